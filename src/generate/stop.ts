/**
 * Stop strings across token boundaries. Text that could be the beginning of a
 * stop string is held back until it is clear that it is not.
 */
export class StopStrings {
  private readonly stops: readonly string[];
  private held = '';
  /** Whether a stop string was met: the answer ends before it. */
  stopped = false;

  /** Half a surrogate pair is no character: a text has none, and none is cut in two for it. */
  constructor(stops: readonly string[]) {
    this.stops = stops.filter((stop) => !/\p{Surrogate}/u.test(stop));
  }

  /** What of `text`, and of what was held, can go out now. O(stops · length). */
  push(text: string): string {
    if (this.stops.length === 0) return text;
    this.held += text;
    let first = -1;
    for (const stop of this.stops) {
      const at = this.held.indexOf(stop);
      if (at >= 0 && (first < 0 || at < first)) first = at;
    }
    if (first >= 0) {
      this.stopped = true;
      const out = this.held.slice(0, first);
      this.held = '';
      return out;
    }
    const keep = this.stops.reduce((most, stop) => Math.max(most, openEnd(this.held, stop)), 0);
    const out = this.held.slice(0, this.held.length - keep);
    this.held = this.held.slice(this.held.length - keep);
    return out;
  }

  /** What was held when the answer ended otherwise. */
  flush(): string {
    const out = this.held;
    this.held = '';
    return out;
  }
}

/** Length of the longest end of `text` that begins `stop`. */
function openEnd(text: string, stop: string): number {
  for (let n = Math.min(text.length, stop.length - 1); n > 0; n--) {
    if (text.endsWith(stop.slice(0, n))) return n;
  }
  return 0;
}
