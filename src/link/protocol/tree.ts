/** `tree`: candidates on their way to the verifier. */
import { MAX_TREE_NODES, ROOT, type TokenTree } from '../../draft/tree/tree.ts';
import { type DraftWord, readWords, wordsBytes, writeWords } from './draft-words.ts';
import {
  bytesOf,
  exactly,
  FrameType,
  fail,
  frame,
  needsWide,
  readSource,
  readToken,
  viewOf,
  WIDE_TOKENS,
  writeTokens,
} from './wire.ts';

const TREE_HEADER = 8;
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
  const perNode = (wide ? 4 : 2) + (wideParents ? 2 : 1) + 2;
  const behind = words.length > 0 ? wordsBytes(words, wide) : 0;
  const view = frame(FrameType.tree, TREE_HEADER + n * perNode + behind);
  view.setUint8(
    1,
    (wide ? WIDE_TOKENS : 0) | (wideParents ? WIDE_PARENTS : 0) | (behind ? WORDS : 0),
  );
  view.setUint16(2, n, true);
  view.setUint32(4, base, true);
  let at = writeTokens(view, TREE_HEADER, tree.tokens, n, wide);
  for (let i = 0; i < n; i++) {
    const parent = tree.parents[i]! + 1;
    if (wideParents) view.setUint16(at, parent, true);
    else view.setUint8(at, parent);
    at += wideParents ? 2 : 1;
  }
  for (let i = 0; i < n; i++) {
    view.setUint8(
      at++,
      Math.min(255, Math.max(0, Math.round(-Math.log(tree.probs[i]!) * LOG_STEPS))),
    );
  }
  for (let i = 0; i < n; i++) view.setUint8(at++, tree.sources[i]!);
  if (behind) writeWords(view, at, words, wide);
  return bytesOf(view);
}

/**
 * Decodes into `tree` (cleared first), and what was said of its nodes into `words`; returns the
 * base position. Duplicate siblings are refused.
 */
export function decodeTree(bytes: Uint8Array, tree: TokenTree, words: DraftWord[] = []): number {
  const view = viewOf(bytes, FrameType.tree, TREE_HEADER);
  const flags = view.getUint8(1);
  if (flags > (WIDE_TOKENS | WIDE_PARENTS | WORDS)) fail(`tree flags ${flags} are not known`);
  const n = view.getUint16(2, true);
  if (n > Math.min(MAX_TREE_NODES, tree.capacity))
    fail(`tree of ${n} nodes; at most ${MAX_TREE_NODES}`);
  const wide = (flags & WIDE_TOKENS) !== 0;
  const wideParents = (flags & WIDE_PARENTS) !== 0;
  const parentsAt = TREE_HEADER + n * (wide ? 4 : 2);
  const probsAt = parentsAt + n * (wideParents ? 2 : 1);
  const end = probsAt + n * 2;
  if (flags & WORDS) words.push(...readWords(view, end, n, wide));
  else exactly(view, end);
  tree.clear();
  for (let i = 0; i < n; i++) {
    const token = readToken(view, TREE_HEADER + i * (wide ? 4 : 2), wide);
    const parent =
      (wideParents ? view.getUint16(parentsAt + i * 2, true) : view.getUint8(parentsAt + i)) - 1;
    if (parent < ROOT || parent >= i) fail(`node ${i} names parent ${parent}`);
    const prob = Math.exp(-view.getUint8(probsAt + i) / LOG_STEPS);
    const source = readSource(view.getUint8(probsAt + n + i));
    if (tree.add(parent, token, prob, source) !== i) fail(`node ${i} repeats a sibling`);
  }
  return view.getUint32(4, true);
}
