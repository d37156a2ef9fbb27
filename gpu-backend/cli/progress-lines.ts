/** Progress as lines of a log: one a tenth, or every so often, and none for what is done at once. */

const STEPS = 10;
/** What takes less long is not worth a line. */
const MIN_BYTES = 64 << 20;
/** Who waits for a line knows from it that the work continues. */
const PERIOD_MS = 15_000;

/** A callback that writes lines like "download 30 % of 1200 MB". @param now milliseconds */
export function reportProgress(write: (line: string) => void, now: () => number = Date.now) {
  const shown = new Map<string, number>();
  let written = now();
  return function progress(what: string, done: number, total: number): void {
    if (total < MIN_BYTES) return;
    const step = Math.floor((done / total) * STEPS);
    if (step <= (shown.get(what) ?? 0) && now() - written < PERIOD_MS) return;
    shown.set(what, step);
    written = now();
    write(`${what} ${Math.floor((done / total) * 100)} % of ${Math.round(total / 2 ** 20)} MB`);
  };
}
