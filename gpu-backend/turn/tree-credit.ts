/**
 * How many tree frames a worker may have outstanding. Drawing a tree takes the
 * worker as long as reading it takes the verifier, and on one machine both take it
 * from the steps. So while trees are there and nothing of them is verified, because
 * drafting does not pay, one of them now and then is enough to see a change.
 */
import { FrameError } from '../../src/link/protocol/index.ts';

/** A round trip's worth of steps, and a bound on the work a peer can cause. */
export const TREE_CREDIT = 8;
/** Steps for which one tree is enough that is not wanted. */
const UNWANTED_STEPS = 8;

export class TreeCredit {
  /** Trees taken in whose credit was not returned. */
  private taken = 0;
  /** Steps since nodes were last verified, from the first that had a tree to verify. */
  private unwanted = 0;

  /** A tree came in. Throws `FrameError` when it is beyond the credit. */
  take(): void {
    if (this.taken === TREE_CREDIT) {
      throw new FrameError(`more than ${TREE_CREDIT} trees outstanding; wait for credit`);
    }
    this.taken++;
  }

  /** A step verifies so many nodes; `stands` while one of the worker's trees is there. */
  step(nodes: number, stands: boolean): void {
    if (nodes > 0) this.unwanted = 0;
    else if (stands || this.unwanted > 0) this.unwanted++;
  }

  /** The credit to return with the step's result. */
  release(): number {
    const some = this.unwanted % UNWANTED_STEPS === 0 ? 1 : 0;
    const released = this.unwanted === 0 ? this.taken : Math.min(some, this.taken);
    this.taken -= released;
    return released;
  }
}
