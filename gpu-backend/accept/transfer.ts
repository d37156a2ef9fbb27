/**
 * RAPID's knowledge transfer (2502.20330), on request only: where the draft
 * model has said q after the committed text, the target draws from
 *
 *   p̂ = softmax(ẑ / T),  ẑ = z + η·T·(q − p) on { x : q(x) ≥ 0.1 · max q }
 *
 * and not from p. That is lossy by design, and which positions have a q depends
 * on what arrived in time. Given p̂ the draw stays draw and match: exact, and
 * keyed by seed and position. At temperature 0 the term is nothing.
 */
import type { TokenTree } from '../../src/draft/tree.ts';
import { type DraftWord, WORD_WHOLE } from '../../src/link/frames/index.ts';
import { Draw } from './draw.ts';
import type { Nucleus, Warp } from './warp.ts';

/** Least share of the favourite's probability with which a token is moved (the paper's support). */
const SUPPORT = 0.1;
/** Places that are remembered; the one that came first is forgotten first. */
export const MAX_WORD_PLACES = 1024;

/** Changes `logits` of z into those of ẑ. O(V). */
export function transfer(
  logits: Float32Array,
  { tokens, probs }: Pick<DraftWord, 'tokens' | 'probs'>,
  eta: number,
  temperature: number,
): void {
  let max = Number.NEGATIVE_INFINITY;
  for (const z of logits) if (z > max) max = z;
  let sum = 0;
  for (const z of logits) sum += Math.exp((z - max) / temperature);
  const least = SUPPORT * probs.reduce((most, prob) => Math.max(most, prob), 0);
  for (let i = 0; i < tokens.length; i++) {
    if (probs[i]! === 0 || probs[i]! < least) continue;
    const z = logits[tokens[i]!]!;
    const p = Math.exp((z - max) / temperature) / sum;
    logits[tokens[i]!] = z + eta * temperature * (probs[i]! / WORD_WHOLE - p);
  }
}

/** Draws like `Draw`, from p̂ where a word on the place is there. */
export class TransferDraw extends Draw {
  private readonly eta: number;
  private readonly temperature: number;
  /** Names the text up to a position, by position: what follows a place is keyed by all before it. */
  private readonly texts = new Map<number, number>();
  private readonly words = new Map<number, Pick<DraftWord, 'tokens' | 'probs'>>();
  private logits = new Float32Array(0);

  /** @param position of the first token to be drawn */
  constructor(
    eta: number,
    warp: Warp,
    seed: readonly [number, number],
    nucleus: Nucleus,
    position: number,
  ) {
    super(warp, seed, nucleus);
    this.eta = eta;
    this.temperature = warp.temperature;
    this.texts.set(position, 1);
  }

  /** Takes in words on nodes of a tree that stands at `base`. */
  learn(tree: TokenTree, base: number, words: readonly DraftWord[]): void {
    const root = this.texts.get(base);
    if (root === undefined) return;
    for (const { node, tokens, probs } of words) {
      this.words.set(this.textAt(tree, node, root), { tokens, probs });
    }
    for (const oldest of this.words.keys()) {
      if (this.words.size <= MAX_WORD_PLACES) break;
      this.words.delete(oldest);
    }
  }

  override token(logits: Float32Array, position: number): number {
    const text = this.texts.get(position) ?? 0;
    const word = this.words.get(text);
    const token = super.token(word ? this.moved(logits, word) : logits, position);
    this.texts.set(position + 1, extended(text, token));
    return token;
  }

  private moved(logits: Float32Array, word: Pick<DraftWord, 'tokens' | 'probs'>): Float32Array {
    if (this.temperature === 0) return logits;
    if (this.logits.length !== logits.length) this.logits = new Float32Array(logits.length);
    this.logits.set(logits);
    transfer(this.logits, word, this.eta, this.temperature);
    return this.logits;
  }

  private textAt(tree: TokenTree, node: number, root: number): number {
    if (node < 0) return root;
    return extended(this.textAt(tree, tree.parents[node]!, root), tree.tokens[node]!);
  }
}

/** A name in 52 bits for a text one token longer: two texts share one by accident only. */
function extended(text: number, token: number): number {
  const low = Math.imul((text >>> 0) ^ Math.imul(token + 1, 0x9e3779b1), 0x85ebca6b);
  const high = Math.imul(Math.floor(text / 2 ** 32) + token + 1, 0xc2b2ae35) ^ (low >>> 13);
  return (high & 0xfffff) * 2 ** 32 + ((low ^ (low >>> 15) ^ Math.imul(high, 0x27d4eb2f)) >>> 0);
}
