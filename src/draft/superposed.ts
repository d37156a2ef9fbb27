/**
 * Superposed Decoding (Shen et al., 2405.18400): several short drafts from one
 * pass of a model a position. The model reads the sum of the drafts' last
 * tokens, each by its draft's share of the probability, and says one
 * distribution for all of them; which of it continues which draft, the stores'
 * counts tell, which follow each draft by itself.
 *
 * A draft's score is log s = (1 − α)·log p + α·log P a token, p the model's and P
 * the blend's, which gives what it leaves to none of its candidates to all tokens
 * by p. O(drafts · candidates) a position beside the blend's mixes.
 */
import { Evidence, type EvidenceStore } from './blend/evidence.ts';
import type { HeardTokens } from './blend/heard-tokens.ts';
import type { Mixer } from './blend/mixer.ts';
import { distributionOf } from './model-distribution.ts';

/** Drafts side by side. */
export const MAX_DRAFTS = 8;
/** Tokens of one. Every token of every draft takes a slot of the stores, which have `MAX_TREE_NODES`. */
export const MAX_DRAFT_TOKENS = 16;
/** The model's likeliest tokens that may continue a draft, beside those that the blend names. */
const MODEL_TOKENS = 16;
/** What a token is given at least: no estimate is certain of its absence. */
const LEAST = 1e-9;
const PLAIN = { temperature: 0, noise: null };

/** Several tokens read at one place as one: the sum of their embeddings, by their weights. */
export interface Superposition {
  tokens: ArrayLike<number>;
  /** As many; they sum to 1. */
  weights: ArrayLike<number>;
}

export interface Draft {
  readonly tokens: readonly number[];
  /** Logarithm, of all its tokens together. */
  readonly score: number;
  /** Whether its last token is one that ends a text. */
  readonly ended: boolean;
}

interface Placed extends Draft {
  /** The stores' place at its end. */
  slot: number;
}

export interface SuperposedOptions {
  drafts: number;
  /** Share of the blend's word in a score, 0 to 1. */
  alpha: number;
  /** Tokens that end a text. No draft begins with one: there would be nothing to suggest. */
  endIds: ReadonlySet<number>;
  /** What the session has said, which the mixer's weights count on; a draft's own tokens are not in it. null for none. */
  heard: HeardTokens | null;
}

export class SuperposedDrafts {
  private readonly stores: readonly EvidenceStore[];
  private readonly mixer: Mixer;
  private readonly options: SuperposedOptions;
  private readonly evidence = new Evidence();
  private placed: Placed[] = [{ tokens: [], score: 0, ended: false, slot: 0 }];
  private slots = 1;
  private last: number;

  /**
   * @param stores with slot 0 at the end of the text, and `mixer` for as many
   * @param last the text's last token
   */
  constructor(
    stores: readonly EvidenceStore[],
    mixer: Mixer,
    last: number,
    options: SuperposedOptions,
  ) {
    if (!(options.drafts >= 1 && options.drafts <= MAX_DRAFTS)) {
      throw new RangeError(`1 to ${MAX_DRAFTS} drafts, not ${options.drafts}`);
    }
    this.stores = stores;
    this.mixer = mixer;
    this.evidence.heard = options.heard;
    this.last = last;
    this.options = options;
  }

  /** Best first. Before the first `extend` one, without tokens. */
  get drafts(): readonly Draft[] {
    return this.placed;
  }

  /** What the model has to read next; null when every draft has ended. */
  get input(): Superposition | null {
    const live = this.placed.filter(({ ended }) => !ended);
    if (live.length === 0) return null;
    const best = live[0]!.score;
    const shares = live.map(({ score }) => Math.exp(score - best));
    const sum = shares.reduce((total, share) => total + share, 0);
    return {
      tokens: live.map(({ tokens }) => tokens.at(-1) ?? this.last),
      weights: shares.map((share) => share / sum),
    };
  }

  /** Takes the model's word on what comes next, one logit per vocabulary entry, and keeps the best drafts. */
  extend(logits: Float32Array): void {
    const { endIds } = this.options;
    const normaliser = logSumExp(logits);
    const named = distributionOf(logits, 0, PLAIN, MODEL_TOKENS).tokens;
    const grown: { from: Placed; token: number | null; score: number }[] = [];
    for (const from of this.placed) {
      if (from.ended) {
        grown.push({ from, token: null, score: from.score });
        continue;
      }
      for (const [token, gain] of this.gains(from, named, logits, normaliser)) {
        if (from.tokens.length === 0 && endIds.has(token)) continue;
        grown.push({ from, token, score: from.score + gain });
      }
    }
    grown.sort((a, b) => b.score - a.score);
    this.placed = grown.slice(0, this.options.drafts).map(({ from, token, score }) => {
      if (token === null) return from;
      const slot = this.slots++;
      for (const store of this.stores) store.follow(from.slot, token, slot);
      return { tokens: [...from.tokens, token], score, ended: endIds.has(token), slot };
    });
  }

  /** Tokens that may continue a draft, with what each adds to its score. */
  private gains(
    draft: Placed,
    named: Int32Array,
    logits: Float32Array,
    normaliser: number,
  ): Map<number, number> {
    const { evidence, mixer, stores } = this;
    const { alpha } = this.options;
    evidence.clear();
    stores.forEach((store, i) => {
      store.gather(draft.slot, evidence, i);
    });
    mixer.mix(evidence, draft.tokens.at(-1) ?? this.last);
    const { candidates, probs } = mixer;
    const rest = probs[candidates.size]!;
    const gains = new Map<number, number>();
    const add = (token: number, counted: number) => {
      const log = logits[token]! - normaliser;
      const blended = counted + rest * Math.exp(log);
      gains.set(token, (1 - alpha) * log + alpha * Math.log(Math.max(LEAST, blended)));
    };
    for (const token of named) add(token, 0);
    for (let c = 0; c < candidates.size; c++) add(candidates.token[c]!, probs[c]!);
    return gains;
  }
}

function logSumExp(logits: Float32Array): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) if (logits[id]! > best) best = logits[id]!;
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += Math.exp(logits[id]! - best);
  return best + Math.log(sum);
}
