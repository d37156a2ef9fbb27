/**
 * What one answer has cost so far. Counted from the chunks while they come, then
 * replaced by the server's own `usage`. Tokens are those committed, the end token
 * included: so they are the steps times the mean, and the sum over the sources.
 *
 * @typedef {import('./types.d.ts').ChatChunk} ChatChunk
 * @typedef {{
 *   tokens: number,
 *   steps: number,
 *   drafted: number,
 *   meanAccepted: number | null,
 *   tokensPerSecond: number | null,
 *   firstTokenMs: number | null,
 *   shareDrafted: number | null,
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
  #committed = 0;
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
      this.#committed += step.accepted;
    }
    const tokens = chunk.espalier?.tokens ?? [];
    for (const { source } of tokens) this.#bySource[source] = (this.#bySource[source] ?? 0) + 1;
    const delta = chunk.choices[0]?.delta;
    if (!delta?.content && !delta?.reasoning_content && !delta?.tool_calls) return;
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
    const bySource = own?.by_source ?? this.#bySource;
    const committed = own ? sum(Object.values(bySource)) : this.#committed;
    const seconds = (this.#lastAt - this.#firstAt) / 1000;
    return {
      // A server that traces no steps still counts its tokens.
      tokens: committed || (this.#usage?.completion_tokens ?? this.#streamed),
      steps,
      drafted: own?.drafted ?? this.#drafted,
      meanAccepted: own?.mean_accepted ?? (steps > 0 ? committed / steps : null),
      tokensPerSecond: seconds > 0 ? (this.#streamed - this.#firstTokens) / seconds : null,
      firstTokenMs: this.#firstAt > 0 ? this.#firstAt - this.#startedAt : null,
      shareDrafted: shareDrafted(bySource),
      bySource,
    };
  }
}

/** Of the tokens, those that were guessed before the model wrote them. @param {Readonly<Record<string, number>>} bySource */
function shareDrafted({ target = 0, ...drafted }) {
  const guessed = sum(Object.values(drafted));
  return guessed + target > 0 ? guessed / (guessed + target) : null;
}

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
