/** Log-probabilities of the answer's tokens, reported when their text is. */
import type { Accept, Logprobs } from '../link/protocol/index.ts';

export interface TokenLogprob {
  token: number;
  logprob: number;
}

export interface TokenLogprobs extends TokenLogprob {
  /** The likeliest tokens in its place, likeliest first. */
  top: TokenLogprob[];
  /** Where its text begins in the answer's, in UTF-16 code units. */
  start: number;
}

/** Of the token at `index` of a step, after `start` code units of text. */
export function tokenLogprobs(
  { tokens }: Accept,
  logprobs: Logprobs,
  index: number,
  start: number,
): TokenLogprobs {
  return {
    start,
    token: tokens[index]!,
    logprob: logprobs.committed[index]!,
    top: Array.from({ length: logprobs.top }, (_, k) => ({
      token: logprobs.topIds[index * logprobs.top + k]!,
      logprob: logprobs.topLogprobs[index * logprobs.top + k]!,
    })),
  };
}

/**
 * The report of a token waits for the first character of its text to be out:
 * characters wait for their last byte, and text for what may become a stop
 * string. So the tokens reported are those of the content, and one that a stop
 * string takes whole is never logprobs.
 */
export class WaitingLogprobs {
  private readonly waiting: TokenLogprobs[] = [];
  /** Characters of all tokens so far. */
  length = 0;
  /** Of them, those that are out. */
  private out = 0;

  /** The next token, of `length` characters; with it `out` of the characters that waited went out. */
  push(entry: TokenLogprobs, length: number, out: number): TokenLogprobs[] {
    this.waiting.push(entry);
    this.length += length;
    return this.release(out);
  }

  /** `out` characters more went out. */
  release(out: number): TokenLogprobs[] {
    this.out += out;
    const waits = this.waiting.findIndex(({ start }) => start >= this.out);
    const count = waits < 0 ? this.waiting.length : waits;
    return this.waiting.splice(0, count);
  }

  /** The answer is out to its end. */
  flush(): TokenLogprobs[] {
    return this.waiting.splice(0);
  }
}
