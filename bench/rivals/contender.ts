import type { Drafter } from '../../src/draft/drafter.ts';

/** A drafter in a replay: it may keep what a finished turn taught it. */
export interface Contender extends Drafter {
  /** Ends the turn that was begun last. `output` is all that was committed in it. */
  end?(output: Int32Array): void;
  /** Memory that its stores need, in bytes a token held, by store. */
  bytesPerToken?(): Record<string, number>;
  /** Lets come in what was asked for elsewhere. Awaited when a turn has begun and after each step. */
  settle?(): Promise<void>;
  /** The target's most probable tokens after `token` at a verified place, best first, where a trace has them. */
  observe?(token: number, successors: ArrayLike<number>): void;
}
