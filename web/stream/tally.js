/**
 * What one answer has cost so far. Counted from the chunks while they come, then
 * replaced by the server's own `usage`, which also counts what is never shown
 * (the end token, a draft that ran past a stop sequence).
 *
 * @typedef {import('./types.d.ts').ChatChunk} ChatChunk
 * @typedef {{
 *   tokens: number,
 *   steps: number,
 *   drafted: number,
 *   meanAccepted: number | null,
 *   tokensPerSecond: number | null,
 *   firstTokenMs: number | null,
 *   bySource: Record<string, number>,
 * }} Figures
 */
export class Tally {
  #startedAt;
  #firstAt = 0;
  #lastAt = 0;
  /** Tokens that came in the first chunk: they started the clock, so it did not time them. */
  #firstTokens = 0;
  #streamed = 0;
  #steps = 0;
  #drafted = 0;
  #accepted = 0;
  /** @type {Record<string, number>} */
  #bySource = {};
  /** @type {ChatChunk['usage']} */
  #usage = null;

  /** @param {number} now when the question was sent, in milliseconds */
  constructor(now) {
    this.#startedAt = now;
  }

  /** @param {ChatChunk} chunk @param {number} now milliseconds on the same clock */
  add(chunk, now) {
    if (chunk.usage) this.#usage = chunk.usage;
    for (const step of chunk.espalier?.steps ?? []) {
      this.#steps++;
      this.#drafted += step.drafted;
      this.#accepted += step.accepted;
    }
    const tokens = chunk.espalier?.tokens ?? [];
    for (const { source } of tokens) this.#bySource[source] = (this.#bySource[source] ?? 0) + 1;
    if (!chunk.choices[0]?.delta.content) return;
    this.#streamed += tokens.length;
    this.#lastAt = now;
    if (this.#firstAt === 0) {
      this.#firstAt = now;
      this.#firstTokens = tokens.length;
    }
  }

  /** @returns {Figures} null where there is nothing to divide by yet */
  figures() {
    const own = this.#usage?.speculation;
    const steps = own?.steps ?? this.#steps;
    const accepted = own?.accepted ?? this.#accepted;
    const seconds = (this.#lastAt - this.#firstAt) / 1000;
    return {
      tokens: this.#usage?.completion_tokens ?? this.#streamed,
      steps,
      drafted: own?.drafted ?? this.#drafted,
      meanAccepted: own?.mean_accepted ?? (steps > 0 ? accepted / steps : null),
      tokensPerSecond: seconds > 0 ? (this.#streamed - this.#firstTokens) / seconds : null,
      firstTokenMs: this.#firstAt > 0 ? this.#firstAt - this.#startedAt : null,
      bySource: own?.by_source ?? this.#bySource,
    };
  }
}
