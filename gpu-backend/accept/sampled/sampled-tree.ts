/**
 * Draws the drafts of a step at random. What was proposed gives each place a
 * distribution over its children: their path probabilities, normalised. The drafts are
 * drawn from it here, beside the rule that tries them, so neither q nor the order of
 * siblings travels, and q is what was received, rounding on the wire included.
 *
 * How many are drawn after a place follows from the room that is left before: keeping
 * drafts by what they turned out to be would change their distribution.
 */
import { Noise } from '../../../src/draft/noise.ts';
import type { Source } from '../../../src/draft/source.ts';
import { ROOT, type TokenTree } from '../../../src/draft/tree/tree.ts';
import type { Drawing } from './drawing.ts';

/** Draws after one place where there is room for all. */
const DRAWS = 3;
/** The least that a tree holds as a probability, a float32. */
const LEAST_PROB = 2 ** -149;

/** Drafts after one place: as drawn, and what from. */
export interface Draws {
  tokens: number[];
  /** The tokens that could be drawn, and the probability of each. */
  support: number[];
  q: Float64Array;
}

/** A place that may get drafts. */
interface OpenPlace {
  proposed: number;
  grown: number;
  /** Estimated probability that the walk comes here. */
  value: number;
}

export class SampledTree {
  private readonly draw: Drawing;
  private readonly noise: Noise;
  /** By node of the tree grown last; `ROOT` too. */
  private readonly draws = new Map<number, Draws>();
  /** Draws of no two trees share their noise. */
  private drawn = 0;
  private trees = 0;

  /** `seed`: of noise that nothing else uses. */
  constructor(draw: Drawing, seed: readonly [number, number]) {
    this.draw = draw;
    this.noise = new Noise(seed);
  }

  /** Replaces `into` by at most `count` nodes drawn from what `from` proposes, likely places first. */
  grow(from: TokenTree, into: TokenTree, count: number): void {
    into.clear();
    this.draws.clear();
    this.noise.at(this.trees++);
    this.drawn = 0;
    const open: OpenPlace[] = [{ proposed: ROOT, grown: ROOT, value: 1 }];
    const room = Math.min(count, into.capacity);
    while (open.length > 0 && into.size < room) {
      const place = takeLikeliest(open);
      const children = childrenOf(from, place.proposed);
      if (children.length === 0) continue;
      open.push(...this.drawAfter(place, children, from, into, room - into.size));
    }
  }

  /** What was drawn after a node of the tree grown last; undefined for nothing. */
  after(node: number): Draws | undefined {
    return this.draws.get(node);
  }

  /** @param left nodes that there is room for */
  private drawAfter(
    { proposed, grown, value }: OpenPlace,
    children: readonly number[],
    from: TokenTree,
    into: TokenTree,
    left: number,
  ): OpenPlace[] {
    const q = Float64Array.from(children, (child) => from.probs[child]!);
    const sum = total(q);
    // That one of the children comes, given the place: what all drafts after it promise together.
    const likely = Math.min(1, sum / (proposed === ROOT ? 1 : from.probs[proposed]!));
    for (let i = 0; i < q.length; i++) q[i]! /= sum;
    const most = Math.min(DRAWS, children.length) <= left ? DRAWS : left;
    const picks = this.draw(q, most, () => this.noise.uniform(this.drawn++));
    const support = children.map((child) => from.tokens[child]!);
    this.draws.set(grown, { tokens: picks.map((pick) => support[pick]!), support, q });
    const drafted = [...new Set(picks)];
    const mass = total(drafted.map((pick) => q[pick]!));
    return drafted.map((pick) => {
      const child = children[pick]!;
      const share = (value * likely * q[pick]!) / mass;
      const source = from.sources[child] as Source;
      const node = into.add(grown, support[pick]!, Math.max(share, LEAST_PROB), source);
      return { proposed: child, grown: node, value: share };
    });
  }
}

function total(weights: Iterable<number>): number {
  let sum = 0;
  for (const weight of weights) sum += weight;
  return sum;
}

function takeLikeliest(places: OpenPlace[]): OpenPlace {
  let best = 0;
  for (let i = 1; i < places.length; i++) if (places[i]!.value > places[best]!.value) best = i;
  return places.splice(best, 1)[0]!;
}

function childrenOf(tree: TokenTree, parent: number): number[] {
  const children: number[] = [];
  for (let node = 0; node < tree.size; node++)
    if (tree.parents[node] === parent) children.push(node);
  return children;
}
