/**
 * Says which verification step each token came from. Tokens can trail their step
 * by a chunk or two, because half a character is held back until it is whole, so
 * steps queue until they have received all that they committed.
 *
 * @typedef {import('./types.d.ts').TracedStep} TracedStep
 * @typedef {import('./types.d.ts').TracedToken} TracedToken
 * @typedef {{ token: TracedToken, step: TracedStep | null, stepIndex: number, opensStep: boolean }} PlacedToken
 */
export class StepQueue {
  /** @type {TracedStep[]} */
  #waiting = [];
  /** Index of the first waiting step, counted over the whole answer. */
  #index = 0;
  #filled = 0;

  /**
   * @param {readonly TracedToken[]} tokens
   * @param {readonly TracedStep[]} steps
   * @returns {PlacedToken[]} a token that no step accounts for has `step: null`
   */
  place(tokens, steps) {
    this.#waiting.push(...steps);
    return tokens.map((token) => this.#placeOne(token));
  }

  /** @param {TracedToken} token @returns {PlacedToken} */
  #placeOne(token) {
    while (this.#waiting[0] && this.#filled >= this.#waiting[0].accepted) {
      this.#waiting.shift();
      this.#index++;
      this.#filled = 0;
    }
    const step = this.#waiting[0] ?? null;
    const opensStep = step !== null && this.#filled === 0;
    if (step) this.#filled++;
    return { token, step, stepIndex: this.#index, opensStep };
  }
}
