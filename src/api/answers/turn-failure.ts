/** The failures of a turn, before its first byte or after, in the API's terms. */
import { PromptTooLong } from '../../generate/prompt.ts';
import { LinkFailure } from '../../link/failure.ts';
import { ModelUnavailable } from '../../model/record.ts';
import { TooManyTokens } from '../../model/token-list.ts';
import { UnreadableFile } from '../../retrieve/parse/document.ts';
import { FilesTooLong } from '../../retrieve/request-files.ts';
import { type ApiFailure, cancelled, invalid, overloaded, unavailable } from '../errors.ts';

/** `asked`: the field that the prompt came in. What is no failure of a turn's is handed back. */
export function turnFailure(error: unknown, asked: 'messages' | 'prompt'): unknown {
  if (error instanceof UnreadableFile) return invalid(['file_ids'], error.message);
  if (error instanceof FilesTooLong) return tooMuchText(`at least ${error.least}`, error.most);
  if (error instanceof PromptTooLong && error.documents > 0) {
    return tooMuchText(`${error.needed} with the messages`, error.room);
  }
  if (error instanceof PromptTooLong) return beyondContext(asked, `${error.needed}`, error.room);
  if (error instanceof TooManyTokens) {
    return beyondContext(asked, `at least ${error.least}`, error.most);
  }
  if (error instanceof ModelUnavailable) return noVerifier(error);
  if (!(error instanceof LinkFailure)) return error;
  if (error.code === 'cancelled') {
    return cancelled('the answer was given up, as nobody read it: ask again, and read as it comes');
  }
  if (error.code === 'overloaded') return overloaded(error.retryAfterMs);
  if (error.code === 'too-long') {
    return invalid(['max_tokens'], error.message, 'context_length_exceeded');
  }
  if (REFUSALS.has(error.code)) return refusedLink(error);
  return noVerifier(error);
}

/** A verifier is there, and wants nothing of this worker: starting one would not help. */
const REFUSALS: ReadonlySet<string> = new Set(['unauthorized', 'version', 'fingerprint']);

function refusedLink(cause: LinkFailure): ApiFailure {
  console.error(JSON.stringify({ event: 'link_refused', code: cause.code, cause: cause.message }));
  return unavailable(
    `the verifier refused this worker (${cause.code}): the worker's log says why, and ` +
      'docs/deploy.md how keys and versions are set',
    cause,
  );
}

function beyondContext(asked: 'messages' | 'prompt', tokens: string, room: number): ApiFailure {
  return invalid(
    [asked],
    `${tokens} tokens, but the context holds ${room} before an answer: shorten the ${asked}`,
    'context_length_exceeded',
  );
}

function tooMuchText(tokens: string, room: number): ApiFailure {
  return invalid(
    ['file_ids'],
    `${tokens} tokens, but at most ${room} can be taken: bring less, leave out ` +
      'context "full", or put the files into a vector store',
    'context_length_exceeded',
  );
}

/** What went wrong between us and the verifier names addresses and keys: it goes to the log, not to the caller. */
export function noVerifier(cause: Error): ApiFailure {
  console.error(JSON.stringify({ event: 'no_verifier', cause: cause.message }));
  return unavailable(
    'no verifier is available: start one, or see /health for what is wrong',
    cause,
  );
}
