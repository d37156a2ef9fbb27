/** Log-probabilities in OpenAI's two forms: chat's, an entry a token, and that of completions, lists side by side. */
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

/** Of one choice of /v1/completions. A stream tells them bit by bit, with offsets that go on. */
export class CompletionLogprobs {
  private readonly model: ModelRecord;
  private readonly top: number;
  /** Characters may go over from one token to the next. */
  private readonly decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
  private characters = 0;

  /** `top`: how many alternatives were asked for. */
  constructor(model: ModelRecord, top: number) {
    this.model = model;
    this.top = top;
  }

  /** `text_offset` counts the text's characters (code points, as Python does) before each token. */
  of(told: readonly TokenLogprobs[]) {
    const named = (token: TokenLogprob) => entryOf(this.model, token);
    return {
      tokens: told.map((token) => named(token).token),
      token_logprobs: told.map(({ logprob }) => logprob),
      // Which of two tokens of one text is meant its name can't say: the likelier one is told.
      top_logprobs:
        this.top === 0
          ? null
          : told.map((token) =>
              Object.fromEntries(
                [token, ...token.top.toReversed()].map((one) => [named(one).token, one.logprob]),
              ),
            ),
      text_offset: told.map((token) => this.pass(named(token).bytes)),
    };
  }

  private pass(bytes: readonly number[] | null): number {
    const before = this.characters;
    const text = this.decoder.decode(Uint8Array.from(bytes ?? []), { stream: true });
    for (const _ of text) this.characters++;
    return before;
  }
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
