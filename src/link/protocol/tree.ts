/** `tree`: candidates on their way to the verifier. */
import type { Source } from '../../draft/source.ts';
import { MAX_TREE_NODES, ROOT, type TokenTree } from '../../draft/tree/tree.ts';
import { type DraftWord, readWords, writeWords } from './draft-words.ts';
import { Reader } from './reader.ts';
import { FrameType, fail, WIDE_TOKENS } from './wire.ts';
import { needsWide, Writer } from './writer.ts';

const WIDE_PARENTS = 2;
/** What the draft model said after nodes follows the sources. */
const WORDS = 4;

/** Steps of the wire's log-probability: a byte holds -ln p · 16, so p ≥ e^-15.9. */
const LOG_STEPS = 16;

/**
 * `base` is the absolute position of the tree's first level: how many tokens
 * were committed when it was drawn. An empty tree says that there is nothing to propose.
 */
export function encodeTree(
  tree: TokenTree,
  base: number,
  words: readonly DraftWord[] = [],
): Uint8Array {
  const n = tree.size;
  const wide =
    needsWide(tree.tokens, n) || words.some(({ tokens }) => needsWide(tokens, tokens.length));
  const wideParents = n > 255;
  const flags = (wide ? WIDE_TOKENS : 0) | (wideParents ? WIDE_PARENTS : 0);
  const writer = new Writer(FrameType.tree);
  writer.u8(flags | (words.length > 0 ? WORDS : 0));
  writer.u16(n);
  writer.u32(base);
  writer.tokens(tree.tokens, n, wide);
  for (let i = 0; i < n; i++) {
    const parent = tree.parents[i]! + 1;
    if (wideParents) writer.u16(parent);
    else writer.u8(parent);
  }
  for (let i = 0; i < n; i++) {
    const steps = Math.round(-Math.log(tree.probs[i]!) * LOG_STEPS);
    writer.u8(Math.min(255, Math.max(0, steps)));
  }
  for (let i = 0; i < n; i++) writer.u8(tree.sources[i]!);
  if (words.length > 0) writeWords(writer, words, wide);
  return writer.finish();
}

/**
 * Decodes into `tree` (cleared first), and what was said of its nodes into `words`; returns the
 * base position. Duplicate siblings are refused.
 */
export function decodeTree(bytes: Uint8Array, tree: TokenTree, words: DraftWord[] = []): number {
  const reader = new Reader(bytes, FrameType.tree);
  const flags = reader.u8();
  if (flags > (WIDE_TOKENS | WIDE_PARENTS | WORDS)) fail(`tree flags ${flags} are not known`);
  const n = reader.u16();
  if (n > Math.min(MAX_TREE_NODES, tree.capacity))
    fail(`tree of ${n} nodes; at most ${MAX_TREE_NODES}`);
  const base = reader.u32();
  const wide = (flags & WIDE_TOKENS) !== 0;
  const tokens = reader.tokens(n, wide);
  const parents = flags & WIDE_PARENTS ? reader.u16s(n) : reader.bytes(n);
  const logs = reader.bytes(n);
  const sources = reader.sources(n);
  if (flags & WORDS) words.push(...readWords(reader, n, wide));
  reader.end();
  tree.clear();
  for (let i = 0; i < n; i++) {
    const parent = parents[i]! - 1;
    if (parent < ROOT || parent >= i) fail(`node ${i} names parent ${parent}`);
    const prob = Math.exp(-logs[i]! / LOG_STEPS);
    if (tree.add(parent, tokens[i]!, prob, sources[i] as Source) !== i) {
      fail(`node ${i} repeats a sibling`);
    }
  }
  return base;
}
