/**
 * The draft model with a branch of its cache for each draft: what several drafts
 * take without superposition. One context, read once, is shared by all.
 */
import { distributionOf } from '../../src/draft/model-distribution.ts';
import { CONTEXT_CHUNK } from '../../src/generate/draft-model/edge-drafter.ts';
import {
  EdgeCache,
  type EdgeModel,
  type Reading,
} from '../../src/generate/draft-model/edge-model.ts';

export interface Branch {
  tokens: readonly number[];
  /** Log-probability, of all its tokens together. */
  score: number;
  ended: boolean;
  /** Rows of the cache that hold its tokens, but for the last. */
  rows: readonly number[];
}

/** Share of the probability that samples are drawn from, and the most tokens that may have it. */
const TOP_P = 0.9;
const NUCLEUS = 64;
const PLAIN = { temperature: 0, noise: null };

export class Branches {
  passes = 0;
  private readonly model: EdgeModel;
  private readonly cache: EdgeCache;
  private readonly context: Int32Array;
  private readonly endIds: ReadonlySet<number>;
  private first = new Float32Array(0);

  constructor(model: EdgeModel, context: Int32Array, room: number, endIds: ReadonlySet<number>) {
    this.model = model;
    this.cache = new EdgeCache(model, context.length + room);
    this.context = context;
    this.endIds = endIds;
  }

  async readContext(): Promise<void> {
    for (let at = 0; at < this.context.length; at += CONTEXT_CHUNK) {
      const chunk = this.context.subarray(at, at + CONTEXT_CHUNK);
      const readings = Array.from(chunk, (token, i) => this.reading(token, at + i, [], true));
      this.first = Float32Array.from(await this.cache.read(readings, [readings.length - 1]));
    }
  }

  /** Beam search: one pass a token, over a row for every live draft. */
  async beam(count: number, length: number): Promise<Branch[]> {
    let beams: Branch[] = [{ tokens: [], score: 0, ended: false, rows: [] }];
    for (let depth = 0; depth < length; depth++) {
      const live = beams.filter(({ ended }) => !ended);
      if (live.length === 0) break;
      const { rows, words } = await this.step(live);
      const grown = beams.filter(({ ended }) => ended);
      live.forEach((beam, i) => {
        const { tokens, probs } = distributionOf(words[i]!, 0, PLAIN, 2 * count);
        tokens.forEach((token, rank) => {
          if (depth === 0 && this.endIds.has(token)) return;
          grown.push(this.extend(beam, rows[i]!, token, Math.log(probs[rank]!)));
        });
      });
      beams = grown.sort((a, b) => b.score - a.score).slice(0, count);
    }
    return beams;
  }

  /** Nucleus samples, one after the other: a pass for each token of each. */
  async nucleus(count: number, length: number, random: () => number): Promise<Branch[]> {
    const drafts: Branch[] = [];
    for (let i = 0; i < count; i++) {
      let draft: Branch = { tokens: [], score: 0, ended: false, rows: [] };
      while (draft.tokens.length < length && !draft.ended) {
        const { rows, words } = await this.step([draft]);
        const { tokens, probs } = distributionOf(words[0]!, 0, PLAIN, NUCLEUS);
        if (draft.tokens.length === 0) {
          probs.forEach((_, rank) => {
            if (this.endIds.has(tokens[rank]!)) probs[rank] = 0;
          });
        }
        const rank = draw(probs, random());
        draft = this.extend(draft, rows[0]!, tokens[rank]!, Math.log(probs[rank]!));
      }
      drafts.push(draft);
    }
    return drafts;
  }

  /** Reads the drafts' last tokens; the context's own word for those that have none. */
  private async step(drafts: readonly Branch[]) {
    if (drafts[0]!.tokens.length === 0) {
      return { rows: drafts.map(() => -1), words: drafts.map(() => this.first) };
    }
    const readings = drafts.map(({ tokens, rows }) =>
      this.reading(tokens.at(-1)!, this.context.length + tokens.length - 1, rows, false),
    );
    this.passes++;
    const logits = await this.cache.read(
      readings,
      readings.map((_, i) => i),
    );
    const { vocabSize } = this.model.facts;
    return {
      rows: readings.map(({ row }) => row),
      words: readings.map((_, i) => logits.subarray(i * vocabSize, (i + 1) * vocabSize)),
    };
  }

  private extend(draft: Branch, row: number, token: number, log: number): Branch {
    return {
      tokens: [...draft.tokens, token],
      score: draft.score + log,
      ended: this.endIds.has(token),
      rows: row < 0 ? draft.rows : [...draft.rows, row],
    };
  }

  private reading(token: number, position: number, sees: readonly number[], committed: boolean) {
    const row = this.cache.reserve();
    if (row < 0) throw new Error('the cache is full');
    return { token, position, row, sees, committed } satisfies Reading;
  }
}

/** The rank of one out of the likeliest that together have `TOP_P`. */
function draw(probs: Float32Array, random: number): number {
  let size = 0;
  let mass = 0;
  for (; size < probs.length && mass < TOP_P; size++) mass += probs[size]!;
  let left = random * mass;
  for (let rank = 0; rank < size; rank++) {
    left -= probs[rank]!;
    if (left <= 0) return rank;
  }
  return size - 1;
}
