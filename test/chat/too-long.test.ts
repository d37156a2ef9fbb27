/** Prompts that can't fit the context, of any text, against the real worker; no verifier is asked. */
import { randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { type SharedService, sharedService } from '../support/shared-service.ts';

/** Near the 2 MB that a body may have. */
const LENGTH = 1_900_000;

const TEXTS: Record<string, string> = {
  spaces: ' '.repeat(LENGTH),
  'one letter': 'a'.repeat(LENGTH),
  base64: randomBytes(LENGTH).toString('base64').slice(0, LENGTH),
  prose: 'The gardener prunes the pear tree in winter. '.repeat(LENGTH / 50),
  'Chinese without a space': '春眠不觉晓'.repeat(LENGTH / 20),
  'marks in turn': `e${'\u0301\u0316'.repeat(LENGTH / 4)}`,
  'the beginnings of special tokens': '<|'.repeat(LENGTH / 2),
};

let service: SharedService;

beforeAll(async () => {
  service = await sharedService({ demo: false });
});

async function post(path: string, body: object) {
  const response = await fetch(service.url + path, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, error: (await response.json()).error };
}

test.each(Object.entries(TEXTS))('%s: too many tokens are refused', async (_, text) => {
  const messages = [{ role: 'user', content: text }];
  const chat = await post('/v1/chat/completions', { messages });
  expect(chat).toMatchObject({ status: 400, error: { code: 'context_length_exceeded' } });
  expect(chat.error.message).toMatch(/^messages: at least \d+ tokens/);
  const several = [{ role: 'user', content: 'Why?' }, ...messages, ...messages.slice(1)];
  const conversation = await post('/v1/chat/completions', { messages: several });
  expect(conversation).toMatchObject({ status: 400, error: { code: 'context_length_exceeded' } });
  const completion = await post('/v1/completions', { prompt: text });
  expect(completion).toMatchObject({ status: 400, error: { code: 'context_length_exceeded' } });
});
