/** When an answer's tokens came, as the worker saw them. The clock is the caller's. */
export class Pace {
  /** Of the first tokens; null before. */
  firstAt: number | null = null;
  private lastAt = 0;
  private later = 0;

  add(tokens: number, now: number): void {
    if (tokens === 0) return;
    if (this.firstAt === null) this.firstAt = now;
    else this.later += tokens;
    this.lastAt = now;
  }

  /** Of the tokens after the first step's; null without any. */
  get msPerToken(): number | null {
    return this.firstAt === null || this.later === 0
      ? null
      : (this.lastAt - this.firstAt) / this.later;
  }
}
