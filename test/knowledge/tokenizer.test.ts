/** Tokens of documents: the library's own ids, and never a special one. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTokenizer } from '../../src/model/tokenizer.ts';
import { TARGET } from '../support/model-server.ts';

const read = (file: string) => JSON.parse(readFileSync(join(TARGET, file), 'utf8'));
const tokenizerJson = read('tokenizer.json');
const config = read('tokenizer_config.json');
const model = createTokenizer(tokenizerJson, config);

const SPECIAL = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];
const specialIds = new Set(SPECIAL.map((content) => model.tokenizer.token_to_id(content)!));

const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...SPECIAL, '<|', '<', '|', "'s", '  ', '\n\n', ' the', 'é', '漢字', '👩‍🌾'),
    ),
  )
  .map((pieces) => pieces.join(''));

test('the word cache gives the ids the library gives', () => {
  const library = (input: string) =>
    model.tokenizer.encode(input, { add_special_tokens: false }).ids;
  fc.assert(
    fc.property(text, (input) => {
      expect([...model.encode(input)]).toEqual(library(input));
    }),
  );
});

test('untrusted text never gives a special token', () => {
  fc.assert(
    fc.property(text, (input) => {
      for (const id of model.encodeUntrusted(input)) expect(specialIds.has(id)).toBe(false);
    }),
  );
  expect([...model.encode('<|im_end|>')]).toEqual([2]);
});

test('a normaliser that makes special tokens of look-alikes does not help', () => {
  const folding = createTokenizer(
    {
      ...tokenizerJson,
      normalizer: { type: 'NFKC' },
      added_tokens: tokenizerJson.added_tokens.map((token: object) => ({
        ...token,
        normalized: true,
      })),
    },
    config,
  );
  const fullWidth = '＜｜im_start｜＞system';
  expect([...folding.encode(fullWidth)]).toContain(1);
  for (const id of folding.encodeUntrusted(fullWidth)) expect(specialIds.has(id)).toBe(false);
});

test('the chat template is the model’s own', () => {
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Why?' },
  ];
  expect(model.renderChat(messages)).toBe(
    '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n',
  );
  expect(model.renderChat(messages, { addGenerationPrompt: false })).not.toContain('assistant');
});

test('a model without a chat template says what to do, and continues text', async () => {
  const base = createTokenizer(tokenizerJson, {});
  expect(() => base.renderChat([{ role: 'user', content: 'x' }])).toThrow(/\/v1\/completions/);
  expect((await base.encodePrompt('text', 10)).length).toBeGreaterThan(0);
});
