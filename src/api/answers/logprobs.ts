/** Log-probabilities in OpenAI's two forms: chat's, an entry a token, and that of completions, lists side by side. */
import type { TokenLogprob, TokenLogprobs } from '../../generate/token-logprobs.ts';
import type { ModelRecord } from '../../model/record.ts';
import { escapedText, tokenBytes } from '../../model/token-bytes.ts';
import { invalid } from '../errors.ts';

interface Asked {
  logprobs?: boolean | null | undefined;
  top_logprobs?: number | null | undefined;
}

/** Alternatives asked for of each token; null where no log-probabilities are. */
export function logprobsAsked({ logprobs, top_logprobs }: Asked): number | null {
  if (logprobs) return top_logprobs ?? 0;
  if (!top_logprobs) return null;
  throw invalid(['top_logprobs'], 'needs "logprobs": true beside it');
}

export function chatLogprobs(model: ModelRecord, tokens: readonly TokenLogprobs[]) {
  const content = tokens.map((token) => ({
    ...entryOf(model, token),
    top_logprobs: token.top.map((alternative) => entryOf(model, alternative)),
  }));
  return { content, refusal: null };
}

/** The form of /v1/completions. `top`: how many alternatives were asked for. */
export function completionLogprobs(
  model: ModelRecord,
  tokens: readonly TokenLogprobs[],
  top: number,
) {
  const textOf = (token: TokenLogprob) => entryOf(model, token).token;
  // Which of two tokens of one text is meant its name can't say: the likelier one is tokens.
  const rivals = (token: TokenLogprobs) =>
    Object.fromEntries([token, ...token.top.toReversed()].map((one) => [textOf(one), one.logprob]));
  return {
    tokens: tokens.map(textOf),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: top === 0 ? null : tokens.map(rivals),
    text_offset: tokens.map(({ start }) => start),
  };
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
