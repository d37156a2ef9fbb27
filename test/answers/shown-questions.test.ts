/** What the page offers to ask is answered: each answer quotes the section that has it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';
import { MAX_SHOWN } from '../../web/shell/examples.js';
import { type SharedService, sharedService } from '../support/shared-service.ts';

/** The section of an answer has the question as its heading; its file. A start prints the first question. */
const FILES = {
  'Why is speculative decoding faster?': 'how-it-works.md',
  'Why does the verifier never wait?': 'how-it-works.md',
  'What does MAT mean?': 'how-it-works.md',
  'How do I turn drafting off?': 'quickstart.md',
  'Where is everything stored?': 'storage.md',
  'Why are masks never sent?': 'protocol.md',
};

interface Answered {
  choices: [{ message: { content: string; annotations: { filename: string; heading: string }[] } }];
}

let service: SharedService;
beforeAll(async () => {
  service = await sharedService({ demo: true });
});

test('the page shows these questions, in this order', () => {
  const questions = JSON.parse(readFileSync(join(ROOT, 'web/demo/questions.json'), 'utf8'));
  expect(questions.slice(0, MAX_SHOWN)).toEqual(Object.keys(FILES));
});

test.each(Object.entries(FILES))('%s is answered from %s', async (question, filename) => {
  const response = await fetch(`${service.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    // As the page asks.
    body: JSON.stringify({
      messages: [{ role: 'user', content: question }],
      temperature: 0,
      seed: 1,
    }),
  });
  const { choices } = (await response.json()) as Answered;
  const { content, annotations } = choices[0].message;
  expect(content.split('\n')[0]).toBe(`From > ${question}`);
  expect(annotations[0], content).toMatchObject({ filename, heading: question });
});
