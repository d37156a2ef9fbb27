const PAUSE_MS = 1;
/** The most that work gives way for after one slice. */
const LONGEST_MS = 10;

/**
 * A millisecond in which the event loop idles, for work that comes in slices. A worker,
 * its objects and, in `wrangler dev`, D1 share one thread, and while it has anything to
 * do no socket is read or written: awaiting D1 or a timer of 0 ms is not enough.
 *
 * A timer that goes off late tells that others want the thread, or the machine. A request
 * needs the loop several times until it is answered, so then the loop idles once more for
 * as long as it was late: work takes half of the time at most.
 */
export async function pause(): Promise<void> {
  const began = Date.now();
  await idle(PAUSE_MS);
  const late = Date.now() - began - PAUSE_MS;
  if (late > PAUSE_MS) await idle(Math.min(late, LONGEST_MS));
}

function idle(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Runs work to its end at once, however many slices it has. */
export function runAtOnce<Result>(slices: Generator<unknown, Result>): Result {
  for (;;) {
    const { done, value } = slices.next();
    if (done) return value;
  }
}

/** Runs work slice by slice, with a pause after each. */
export async function runInSlices<Result>(slices: Generator<unknown, Result>): Promise<Result> {
  for (;;) {
    const { done, value } = slices.next();
    if (done) return value;
    await pause();
  }
}
