/**
 * How far a drafter's probabilities can be believed, from how often nodes of each
 * probability were accepted. Sizes of trees follow from the corrected ones, so a
 * drafter that promises too much verifies less instead of costing more.
 */
import type { TokenTree } from '../../src/draft/tree/tree.ts';
import type { Walk } from '../accept/walk.ts';

/** Where the classes of path probability begin, rarest first. */
const CLASSES = [0, 0.02, 0.08, 0.25, 0.5, 0.8] as const;
/** Accepted tokens that a class's own record is weighed against the record of all, and that against "as promised". */
const CLASS_PRIOR = 2;
const PRIOR = 4;
/** What is left of a class's record after each tree that has nodes of it: it follows from some fifty. */
const MEMORY = 0.98;

export type Accepted = Pick<Walk, 'path' | 'count'>;

export class Acceptance {
  private readonly promised = new Float64Array(CLASSES.length);
  private readonly accepted = new Float64Array(CLASSES.length);
  private readonly seen = new Float64Array(CLASSES.length);
  private readonly factors = new Float64Array(CLASSES.length).fill(1);

  /** Takes in what `walk` accepted of `tree`. */
  observe(tree: TokenTree, walk: Accepted): void {
    const { promised, accepted, seen } = this;
    seen.fill(0);
    for (let node = 0; node < tree.size; node++) {
      seen[classOf(tree.probs[node]!)]! += tree.probs[node]!;
    }
    for (let i = 0; i < CLASSES.length; i++) {
      // What was not tried anew is not forgotten either.
      if (seen[i] === 0) continue;
      promised[i] = promised[i]! * MEMORY + seen[i]!;
      accepted[i]! *= MEMORY;
    }
    // Row 0 is the committed token; row i + 1 is node i.
    for (let i = 1; i < walk.count; i++) accepted[classOf(tree.probs[walk.path[i]! - 1]!)]!++;
    this.refresh();
  }

  /** Corrects path probabilities in falling order, in place; they stay in falling order. */
  correct(falling: Float64Array): void {
    let above = 1;
    for (let i = 0; i < falling.length; i++) {
      const p = falling[i]!;
      above = falling[i] = Math.min(above, p * this.factors[classOf(p)]!);
    }
  }

  /** What path probabilities are multiplied by at most. */
  get most(): number {
    return Math.max(...this.factors);
  }

  private refresh(): void {
    const { promised, accepted, factors } = this;
    const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
    const overall = (sum(accepted) + PRIOR) / (sum(promised) + PRIOR);
    for (let i = 0; i < CLASSES.length; i++) {
      factors[i] = (accepted[i]! + CLASS_PRIOR * overall) / (promised[i]! + CLASS_PRIOR);
    }
  }
}

function classOf(p: number): number {
  let at = CLASSES.length - 1;
  while (p < CLASSES[at]!) at--;
  return at;
}
