/** Progress as lines of a log: one a tenth, and none for what is done at once. */

const STEPS = 10;
/** What takes less long is not worth a line. */
const MIN_BYTES = 64 << 20;

/** A callback that writes lines like "download 30 % of 1200 MB". */
export function reportProgress(write: (line: string) => void) {
  const shown = new Map<string, number>();
  return function progress(what: string, done: number, total: number): void {
    if (total < MIN_BYTES) return;
    const step = Math.floor((done / total) * STEPS);
    if (step <= (shown.get(what) ?? 0)) return;
    shown.set(what, step);
    write(`${what} ${step * (100 / STEPS)} % of ${Math.round(total / 2 ** 20)} MB`);
  };
}
