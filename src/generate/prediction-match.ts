/**
 * How much of the request's `prediction` the answer turned out to have, in
 * OpenAI's terms: tokens of the prediction that appeared in the completion, and
 * those that did not. That is a property of the two texts. What was drafted from
 * the prediction depends on what else proposed the same, and on when trees came.
 *
 * Both are read side by side. Where they part, the answer is back in the
 * prediction once its last tokens are further on there, in a run that is long
 * enough not to be chance. No token of the prediction counts twice.
 */

/** Tokens of a run that finds the place again. */
const RUN = 3;

export class PredictionMatch {
  accepted = 0;
  private readonly tokens: Int32Array;
  /** Of the prediction, what comes next while the answer follows it. */
  private next = 0;
  private follows = true;
  /** The answer's last tokens since they parted, at most `RUN`. */
  private recent: number[] = [];
  /** By a run's name: where it begins in the prediction, ascending. */
  private readonly runs = new Map<string, number[]>();

  constructor(tokens: Int32Array) {
    this.tokens = tokens;
    for (let at = 0; at + RUN <= tokens.length; at++) {
      const name = tokens.subarray(at, at + RUN).join();
      const places = this.runs.get(name);
      if (places) places.push(at);
      else this.runs.set(name, [at]);
    }
  }

  get rejected(): number {
    return this.tokens.length - this.accepted;
  }

  /** The answer continues with `token`. O(1), and O(places of a run) where it comes back. */
  add(token: number): void {
    if (this.follows && this.tokens[this.next] === token) {
      this.next++;
      this.accepted++;
      return;
    }
    if (this.follows) this.recent = [];
    this.follows = false;
    this.recent.push(token);
    if (this.recent.length > RUN) this.recent.shift();
    const found = this.runs.get(this.recent.join())?.find((at) => at >= this.next);
    if (found === undefined) return;
    this.follows = true;
    this.next = found + RUN;
    this.accepted += RUN;
  }
}
