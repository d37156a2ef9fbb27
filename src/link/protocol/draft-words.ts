/**
 * What the draft model said after nodes of a tree, where `open` asked for
 * transfer: at most 32 tokens a node, probabilities in eight bits. Behind a tree
 * in its frame, under a flag of its own.
 */
import type { ModelDistribution } from '../../draft/model-distribution.ts';
import type { ModelNode } from '../../draft/stores/model-store.ts';
import { ROOT } from '../../draft/tree/tree.ts';
import type { Reader } from './reader.ts';
import { fail } from './wire.ts';
import type { Writer } from './writer.ts';

/** Nodes of a tree that have a word; the root may be one. */
const MAX_WORDS = 64;
/** Tokens of a word. */
export const MAX_WORD_TOKENS = 32;
/** A probability of 1 in eight bits. */
export const WORD_WHOLE = 255;

export interface DraftWord {
  /** Index in the tree, or `ROOT`. */
  node: number;
  tokens: Int32Array;
  /** In 255ths, by token; together at most one, as far as rounding goes. */
  probs: Uint8Array;
}

/** The words of nodes that were read, by their index in a tree; at most `MAX_WORDS`. */
export function wordsOf(
  nodes: Iterable<readonly [node: number, read: Pick<ModelNode, 'word'>]>,
): DraftWord[] {
  const words: DraftWord[] = [];
  for (const [node, { word }] of nodes) {
    if (word && words.length < MAX_WORDS) words.push({ node, ...inBytes(word) });
  }
  return words;
}

/** Tokens that are more than nothing in eight bits. */
function inBytes({ tokens, probs }: ModelDistribution): Pick<DraftWord, 'tokens' | 'probs'> {
  const bytes = Uint8Array.from(probs, (prob) => Math.round(prob * WORD_WHOLE));
  const nothing = bytes.indexOf(0);
  const kept = nothing < 0 ? bytes.length : Math.max(1, nothing);
  return { tokens: tokens.subarray(0, kept), probs: bytes.subarray(0, kept) };
}

export function writeWords(writer: Writer, words: readonly DraftWord[], wide: boolean): void {
  writer.u8(words.length);
  for (const { node, tokens, probs } of words) {
    writer.u16(node + 1);
    writer.u8(tokens.length);
    writer.tokens(tokens, tokens.length, wide);
    writer.bytes(probs);
  }
}

/** Reads the words of a tree of `nodes`. */
export function readWords(reader: Reader, nodes: number, wide: boolean): DraftWord[] {
  const count = reader.u8();
  if (count > MAX_WORDS) fail(`words for ${count} nodes; at most ${MAX_WORDS}`);
  const words: DraftWord[] = [];
  for (let i = 0; i < count; i++) {
    const node = reader.u16() - 1;
    const size = reader.u8();
    if (node < ROOT || node >= nodes) fail(`a word for node ${node} of ${nodes}`);
    if (size === 0 || size > MAX_WORD_TOKENS) {
      fail(`a word of ${size} tokens; 1 to ${MAX_WORD_TOKENS}`);
    }
    const tokens = reader.tokens(size, wide);
    words.push({ node, tokens, probs: reader.bytes(size).slice() });
  }
  return words;
}
