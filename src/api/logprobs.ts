/** Log-probabilities in OpenAI's form: each token with its text, its bytes and its alternatives. */
import type { TokenLogprob, TokenLogprobs } from '../generate/token-logprobs.ts';
import type { ModelRecord } from '../store/model.ts';
import { escapedText, tokenBytes } from '../store/token-bytes.ts';
import { invalid } from './errors.ts';

interface Asked {
  logprobs?: boolean | null | undefined;
  top_logprobs?: number | null | undefined;
}

/** Alternatives asked for of each token; null where no log-probabilities are. */
export function logprobsAsked({ logprobs, top_logprobs }: Asked): number | null {
  if (logprobs) return top_logprobs ?? 0;
  if (!top_logprobs) return null;
  throw invalid('top_logprobs', 'top_logprobs: needs "logprobs": true beside it');
}

export function chatLogprobs(model: ModelRecord, told: readonly TokenLogprobs[]) {
  const content = told.map((token) => ({
    ...entryOf(model, token),
    top_logprobs: token.top.map((alternative) => entryOf(model, alternative)),
  }));
  return { content, refusal: null };
}

/** A special token has its name and no bytes: it says nothing. */
function entryOf({ tokenizer }: ModelRecord, { token, logprob }: TokenLogprob) {
  const bytes = tokenBytes(tokenizer, token);
  return {
    token: bytes ? escapedText(bytes) : (tokenizer.id_to_token(token) ?? ''),
    logprob,
    bytes: bytes && [...bytes],
  };
}
