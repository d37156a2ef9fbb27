/** What is timed of one run over a prompt, ours and llama.cpp's alike. */
export interface Run {
  promptTokens: number;
  /** From giving the prompt to the first token. */
  firstMs: number;
  /** Tokens after the first, and what they took. */
  tokens: number;
  tokensMs: number;
}

/** Tokens a second of all runs together, the prompt's or the answer's. */
export function prefillRate(runs: readonly Run[]): number {
  return rate(runs.map(({ promptTokens, firstMs }) => [promptTokens, firstMs]));
}

export function decodeRate(runs: readonly Run[]): number {
  return rate(runs.map(({ tokens, tokensMs }) => [tokens, tokensMs]));
}

function rate(parts: readonly [tokens: number, ms: number][]): number {
  const tokens = parts.reduce((sum, [count]) => sum + count, 0);
  const ms = parts.reduce((sum, [, time]) => sum + time, 0);
  return (tokens / ms) * 1000;
}
