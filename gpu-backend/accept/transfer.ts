/**
 * RAPID's knowledge transfer (2502.20330), on request only: where the draft
 * model has said q after the committed text, the target draws from
 *
 *   p̂ = softmax(ẑ / T),  ẑ = z + η·T·(q − p) on { x : q(x) ≥ 0.1 · max q }
 *
 * and not from p. That is lossy by design, and which positions have a q depends on
 * what arrived in time from the worker, and on what a network beside the verifier was
 * asked before the step. Given p̂ the draw stays draw and match: exact, and
 * keyed by seed and position. At temperature 0 the term is nothing.
 */
import type { TokenTree } from '../../src/draft/tree/tree.ts';
import { type DraftWord, WORD_WHOLE } from '../../src/link/protocol/index.ts';
import type { LogitsProcessor } from './logits-processor.ts';

/** Least share of the favourite's probability with which a token is moved (the paper's support). */
const SUPPORT = 0.1;
/** Places that are remembered; the one that came first is forgotten first. */
const MAX_WORD_PLACES = 1024;

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

/** Moves logits to ẑ where a word on the place is there. */
export class Transfer implements LogitsProcessor {
  /** Tokens committed at places that were moved. */
  moved = 0;
  private readonly eta: number;
  private readonly temperature: number;
  /** Of the place that `apply` is of. */
  private position: number;
  /** Whether that place was moved. */
  private movedHere = false;
  /** Names the text up to a position, by position: what follows a place is keyed by all before it. */
  private readonly texts = new Map<number, number>();
  private readonly words = new Map<number, Pick<DraftWord, 'tokens' | 'probs'>>();

  /** @param position of the first token of the answer */
  constructor(eta: number, temperature: number, position: number) {
    this.eta = eta;
    this.temperature = temperature;
    this.position = position;
    this.texts.set(position, 1);
  }

  /** Takes in words on nodes of a tree whose root is at `base`. */
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

  apply(logits: Float32Array): void {
    const word = this.words.get(this.texts.get(this.position)!);
    this.movedHere = word !== undefined && this.temperature > 0;
    if (word && this.movedHere) transfer(logits, word, this.eta, this.temperature);
  }

  advance(token: number): void {
    if (this.movedHere) this.moved++;
    this.movedHere = false;
    const text = extended(this.texts.get(this.position)!, token);
    this.texts.set(++this.position, text);
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
