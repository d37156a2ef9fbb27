/** What a checkpoint's files say about its chat template and its ends, where they say it twice. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { readTokenizerConfig } from '../../gpu-backend/builder/tokenizer-config.ts';

const CHECKPOINT = fileURLToPath(new URL('./fixtures/llama-biased-tied-f32', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-folder-'));
  cpSync(CHECKPOINT, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, value: object | string) =>
  writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
const template = () => readModelFolder(folder).manifest.fingerprints.template;

test('chat_template.jinja wins over tokenizer_config.json, and names the model', () => {
  write('tokenizer_config.json', { chat_template: 'old', eos_token: '</s>' });
  const before = template();
  write('chat_template.jinja', 'new');
  expect(readTokenizerConfig(folder)).toEqual({ chat_template: 'new', eos_token: '</s>' });
  expect(template()).not.toBe(before);
  // Named templates are the model's too.
  rmSync(join(folder, 'chat_template.jinja'));
  write('tokenizer_config.json', { chat_template: [{ name: 'default', template: 'a' }] });
  const named = template();
  write('tokenizer_config.json', { chat_template: [{ name: 'default', template: 'b' }] });
  expect(template()).not.toBe(named);
});

test('an answer ends at every id that the files name, and at the tokenizer’s own', () => {
  const { config } = readModelFolder(folder);
  expect(config.vocabSize).toBeGreaterThan(7);
  write('generation_config.json', { eos_token_id: [3, 4] });
  write('tokenizer_config.json', { eos_token: { content: '<|end|>' } });
  const tokens = { added_tokens: [{ id: 7, content: '<|end|>' }], model: { vocab: { '</s>': 5 } } };
  write('tokenizer.json', tokens);
  // 2 is config.json's.
  expect(readModelFolder(folder).eosIds.sort()).toEqual([2, 3, 4, 7]);
  write('tokenizer_config.json', { eos_token: '</s>' });
  expect(readModelFolder(folder).eosIds).toContain(5);
  write('tokenizer_config.json', { eos_token: 'not a token' });
  expect(readModelFolder(folder).eosIds).not.toContain(5);
});
