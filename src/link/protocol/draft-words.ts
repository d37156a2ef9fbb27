/**
 * What the draft model said after nodes of a tree, where `open` asked for
 * transfer: at most 32 tokens a node, probabilities in eight bits. Behind a tree
 * in its frame, under a flag of its own.
 */
import { ROOT } from '../../draft/tree/tree.ts';
import { fail, readToken, writeTokens } from './wire.ts';

/** Nodes of a tree that have a word; the root may be one. */
export const MAX_WORDS = 64;
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

export function wordsBytes(words: readonly DraftWord[], wide: boolean): number {
  return words.reduce((sum, { tokens }) => sum + 3 + tokens.length * (wide ? 5 : 3), 1);
}

export function writeWords(
  view: DataView,
  at: number,
  words: readonly DraftWord[],
  wide: boolean,
): void {
  view.setUint8(at++, words.length);
  for (const { node, tokens, probs } of words) {
    view.setUint16(at, node + 1, true);
    view.setUint8(at + 2, tokens.length);
    at = writeTokens(view, at + 3, tokens, tokens.length, wide);
    for (const prob of probs) view.setUint8(at++, prob);
  }
}

/** Reads the words of a tree of `nodes`, up to the frame's very end. */
export function readWords(view: DataView, at: number, nodes: number, wide: boolean): DraftWord[] {
  const left = (bytes: number) => {
    if (at + bytes > view.byteLength) fail(`frame of ${view.byteLength} bytes is cut short`);
  };
  left(1);
  const count = view.getUint8(at++);
  if (count > MAX_WORDS) fail(`words for ${count} nodes; at most ${MAX_WORDS}`);
  const words: DraftWord[] = [];
  for (let i = 0; i < count; i++) {
    left(3);
    const node = view.getUint16(at, true) - 1;
    const size = view.getUint8(at + 2);
    at += 3;
    if (node < ROOT || node >= nodes) fail(`a word for node ${node} of ${nodes}`);
    if (size === 0 || size > MAX_WORD_TOKENS) {
      fail(`a word of ${size} tokens; 1 to ${MAX_WORD_TOKENS}`);
    }
    left(size * (wide ? 5 : 3));
    const tokens = new Int32Array(size);
    for (let t = 0; t < size; t++, at += wide ? 4 : 2) tokens[t] = readToken(view, at, wide);
    const probs = new Uint8Array(view.buffer, view.byteOffset + at, size).slice();
    at += size;
    words.push({ node, tokens, probs });
  }
  if (at !== view.byteLength) fail(`frame of ${view.byteLength} bytes, expected ${at}`);
  return words;
}
