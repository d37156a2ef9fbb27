/** Whether two models know the same tokens, by their tokenizers' files. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelFolder } from './model-folder.ts';

/** Tokens that two vocabularies must share, of the larger one. */
const SAME_SHARE = 0.98;

/**
 * Whether an id of one is the same text in the other. Padding and further special tokens
 * differ within a family. Throws an Error for a folder without its tokenizer.
 */
export function haveSameTokens(one: ModelFolder, other: ModelFolder): boolean {
  const { tokenizer } = other.manifest.fingerprints;
  if (one.manifest.fingerprints.tokenizer === tokenizer) return true;
  const [ids, otherIds] = [tokensOf(one.path), tokensOf(other.path)];
  if ([...ids].some(([token, id]) => (otherIds.get(token) ?? id) !== id)) return false;
  const shared = [...ids.keys()].filter((token) => otherIds.has(token)).length;
  return shared >= SAME_SHARE * Math.max(ids.size, otherIds.size);
}

function tokensOf(folder: string): Map<string, number> {
  const file = join(folder, 'tokenizer.json');
  if (!existsSync(file)) {
    throw new Error(
      `${folder} has no tokenizer.json: put it beside the weights, so that it shows whose tokens they know`,
    );
  }
  const { model, added_tokens: added = [] } = JSON.parse(readFileSync(file, 'utf8')) as Tokenizer;
  const { vocab } = model;
  const ids = Array.isArray(vocab)
    ? vocab.map(([token], id): [string, number] => [token, id])
    : Object.entries(vocab);
  const all = new Map(ids);
  for (const { content, id } of added) all.set(content, id);
  return all;
}

interface Tokenizer {
  /** Ids by token, or tokens and scores in the order of ids. */
  model: { vocab: Record<string, number> | [string, number][] };
  added_tokens?: { content: string; id: number }[];
}
