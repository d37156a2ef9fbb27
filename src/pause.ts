/**
 * A millisecond in which the event loop idles, for work that comes in slices. A worker,
 * its objects and, in `wrangler dev`, D1 share one thread, and while it has anything to
 * do no socket is read or written: awaiting D1 or a timer of 0 ms is not enough.
 */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

const PAUSE_MS = 1;

/** Bytes that are read or written between two pauses. */
export const BYTES_AT_ONCE = 1 << 18;

/** Runs work to its end at once, however many slices it has. */
export function runAtOnce<Result>(slices: Generator<unknown, Result>): Result {
  for (;;) {
    const { done, value } = slices.next();
    if (done) return value;
  }
}

/** Runs work slice by slice, with a pause after each, or what `rest` does. */
export async function runInSlices<Result>(
  slices: Generator<unknown, Result>,
  rest: () => Promise<void> = pause,
): Promise<Result> {
  for (;;) {
    const { done, value } = slices.next();
    if (done) return value;
    await rest();
  }
}

/** One turn of the event loop: what has come in is told. Whether a socket is read or written is not sure. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
