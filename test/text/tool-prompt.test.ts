/** Functions and calls are rendered by the chat template: nothing in them passes for a content's place. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { composePrompt } from '../../src/generate/prompt.ts';
import { describeTools } from '../../src/generate/tools.ts';
import { createTokenizer } from '../../src/model/tokenizer.ts';
import { makeToolModel, type ToolModel } from '../support/tool-model.ts';

let made: ToolModel;
beforeAll(() => {
  made = makeToolModel();
});
afterAll(() => made.remove());

test.each([0, 7])('a mark with index %i in a function or a call is taken out', (index) => {
  const json = (file: string) => JSON.parse(readFileSync(join(made.folder, file), 'utf8'));
  const tokenizer = createTokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
  const model = { ...tokenizer, prompt: { instruction: '', passageHeader: '' } };
  const mark = `\u{f0000}${index}\u{f0000}`;
  const composed = (said: string) => {
    const told = describeTools(
      model,
      [
        { role: 'user', content: 'purple herons' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ function: { name: 'f', arguments: JSON.stringify({ [said]: said }) } }],
        },
      ],
      [{ name: 'f', description: said, parameters: { [said]: said } }],
    );
    const room = { comfortable: 2048, most: 2048 };
    const contents = told.messages.map(({ content }) => told.model.encodeUntrusted(content));
    return composePrompt(told.model, told.messages, contents, [], [], room).tokens;
  };
  expect(composed(mark)).toEqual(composed(String(index)));
});
