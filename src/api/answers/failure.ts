/** The failures of an answer, before its first byte or after, in the API's terms. */
import { TooBusy } from '../../generate/preparation-queue.ts';
import { PromptTooLong } from '../../generate/prompt.ts';
import { LinkFailure } from '../../link/failure.ts';
import { NoChatTemplate, TemplateRefused } from '../../model/chat-template.ts';
import { ModelUnavailable } from '../../model/record.ts';
import { TooManyTokens } from '../../model/token-list.ts';
import { UnreadableFile } from '../../retrieve/parse/document.ts';
import { FilesTooLong } from '../../retrieve/request-files.ts';
import {
  type ApiFailure,
  cancelled,
  invalid,
  overloaded,
  type Path,
  unavailable,
} from '../errors.ts';
import type { FieldPaths } from './field-paths.ts';

/** What is no failure of an answer's is handed back. */
export function answerFailure(error: unknown, paths: FieldPaths): unknown {
  if (error instanceof UnreadableFile) return invalid(paths.files, error.message);
  if (error instanceof FilesTooLong) {
    return tooMuchText(paths.files, `at least ${error.least}`, error.most);
  }
  if (error instanceof PromptTooLong && error.documents > 0) {
    return tooMuchText(paths.files, `${error.needed} with the messages`, error.room);
  }
  if (error instanceof PromptTooLong) {
    return beyondContext(paths.prompt, `${error.needed}`, error.room);
  }
  if (error instanceof TooManyTokens) {
    return beyondContext(paths.prompt, `at least ${error.least}`, error.most);
  }
  if (error instanceof NoChatTemplate || error instanceof TemplateRefused) {
    return invalid(paths.prompt, error.message);
  }
  if (error instanceof ModelUnavailable) return noVerifier(error);
  if (error instanceof TooBusy) return overloaded(error.retryAfterMs);
  return error instanceof LinkFailure ? linkFailure(error, paths) : error;
}

function linkFailure(error: LinkFailure, paths: FieldPaths): ApiFailure {
  switch (error.code) {
    case 'cancelled':
      return cancelled(
        'the answer was given up, as nobody read it: ask again, and read as it comes',
      );
    case 'overloaded':
      return overloaded(error.retryAfterMs);
    case 'lost':
    case 'silent':
    case 'stalled':
    case 'damaged':
    case 'engine':
    case 'draining':
      return lostLink(error);
    case 'too-long':
      return invalid(paths.maxTokens, error.message, 'context_length_exceeded');
    case 'grammar':
      return invalid(grammarPath(error.path, paths), error.message);
    case 'unauthorized':
    case 'version':
    case 'fingerprint':
      return refusedLink(error);
    default:
      return noVerifier(error);
  }
}

/** A verifier was there: asking again is what helps. */
function lostLink(cause: LinkFailure): ApiFailure {
  console.error(JSON.stringify({ event: 'link_lost', code: cause.code, cause: cause.message }));
  return unavailable(
    `the connection to the verifier broke (${cause.code}), and no other verifier could go on: ` +
      'send the request again',
    cause,
  );
}

/** Where in the body a part of the grammar is that the verifier can't hold an answer to. */
export function grammarPath([part, ...rest]: Path, paths: FieldPaths): Path {
  if (part === 'schema') return [...paths.schema, ...rest];
  const [index, ...inner] = rest;
  if (part === 'functions' && typeof index === 'number') {
    return [...(paths.functions[index] ?? []), ...inner];
  }
  return paths.functions.length > 0 ? ['tools'] : paths.format;
}

/** A verifier is there, and refuses this worker: starting one would not help. */
function refusedLink(cause: LinkFailure): ApiFailure {
  console.error(JSON.stringify({ event: 'link_refused', code: cause.code, cause: cause.message }));
  return unavailable(
    `the verifier refused this worker (${cause.code}): the worker's log says why, and ` +
      'docs/deploy.md how keys and versions are set',
    cause,
  );
}

function beyondContext(path: Path, tokens: string, room: number): ApiFailure {
  return invalid(
    path,
    `${tokens} tokens, but the context holds ${room} before an answer: shorten it`,
    'context_length_exceeded',
  );
}

function tooMuchText(path: Path, tokens: string, room: number): ApiFailure {
  return invalid(
    path,
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
