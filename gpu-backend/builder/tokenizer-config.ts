/** tokenizer_config.json as transformers reads it: a chat template in a file of its own wins over the one in it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonObject } from './read-json.ts';

export interface TokenizerConfig {
  chat_template?: unknown;
  eos_token?: unknown;
  [setting: string]: unknown;
}

/** Empty where the folder has neither file. */
export function readTokenizerConfig(folder: string): TokenizerConfig {
  const file = join(folder, 'tokenizer_config.json');
  const config: TokenizerConfig = existsSync(file) ? readJsonObject(file) : {};
  const template = join(folder, 'chat_template.jinja');
  return existsSync(template)
    ? { ...config, chat_template: readFileSync(template, 'utf8') }
    : config;
}

/** The id of the tokenizer's `eos_token`; undefined where it names none that tokenizer.json has. */
export function readEosTokenId(folder: string): number | undefined {
  const { eos_token: eos } = readTokenizerConfig(folder);
  const content = typeof eos === 'string' ? eos : (eos as { content?: unknown } | null)?.content;
  const file = join(folder, 'tokenizer.json');
  if (typeof content !== 'string' || !existsSync(file)) return undefined;
  const { added_tokens = [], model } = readJsonObject(file) as {
    added_tokens?: { id: number; content: string }[];
    model?: { vocab?: unknown };
  };
  const added = added_tokens.find((token) => token.content === content);
  if (added) return added.id;
  const vocab = model?.vocab as Record<string, number> | undefined;
  return vocab && Object.hasOwn(vocab, content) ? vocab[content] : undefined;
}
