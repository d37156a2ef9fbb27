/**
 * What can go wrong with a request, as a tagged union, and its one translation
 * to OpenAI's form: `{error: {message, type, param, code}}` with a status.
 */
import type * as v from 'valibot';
import type { errorBody } from './wire.ts';

/** Where in the request: names and indices from the body down. Empty where all of it is meant. */
export type Path = readonly (string | number)[];

/** `message` says what is wrong at `path`, without naming the place. */
export type ApiError =
  | { kind: 'invalid'; path: Path; message: string; code: string | null }
  | { kind: 'unauthorized'; message: string }
  | { kind: 'forbidden'; message: string }
  | { kind: 'not_found'; path: Path; message: string; code: string | null }
  | { kind: 'conflict'; message: string }
  | { kind: 'too_large'; path: Path; message: string }
  | { kind: 'rate_limited'; message: string; retryAfterMs: number }
  | { kind: 'overloaded'; retryAfterMs: number }
  | { kind: 'unavailable'; message: string }
  | { kind: 'cancelled'; message: string }
  | { kind: 'internal' };

/** Carries an `ApiError` up to the app's error handler. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly error: ApiError;

  constructor(error: ApiError, cause?: unknown) {
    super('message' in error ? error.message : error.kind, { cause });
    this.error = error;
  }
}

export type ErrorBody = v.InferOutput<typeof errorBody>;

/** After which a client may try again what failed for lack of a verifier. */
const UNAVAILABLE_RETRY_MS = 2_000;

export function invalid(path: Path, message: string, code: string | null = null) {
  return new ApiFailure({ kind: 'invalid', path, message, code });
}

export function unauthorized(message: string) {
  return new ApiFailure({ kind: 'unauthorized', message });
}

export function forbidden(message: string) {
  return new ApiFailure({ kind: 'forbidden', message });
}

export function notFound(path: Path, message: string, code: string | null = null) {
  return new ApiFailure({ kind: 'not_found', path, message, code });
}

export function conflict(message: string) {
  return new ApiFailure({ kind: 'conflict', message });
}

export function tooLarge(path: Path, message: string) {
  return new ApiFailure({ kind: 'too_large', path, message });
}

export function rateLimited(message: string, retryAfterMs: number) {
  return new ApiFailure({ kind: 'rate_limited', message, retryAfterMs });
}

export function overloaded(retryAfterMs: number) {
  return new ApiFailure({ kind: 'overloaded', retryAfterMs });
}

export function unavailable(message: string, cause?: unknown) {
  return new ApiFailure({ kind: 'unavailable', message }, cause);
}

export function cancelled(message: string) {
  return new ApiFailure({ kind: 'cancelled', message });
}

/** The first of valibot's issues, as a failure that names its field. */
export function invalidIssue(issues: readonly v.BaseIssue<unknown>[]): ApiFailure {
  const { path, message } = deepest(issues[0]!, []);
  return invalid(path, message);
}

/** Of a union, what is wrong with the option that the input came closest to; the union's own word where it came to none. */
function deepest(issue: v.BaseIssue<unknown>, above: Path): { path: Path; message: string } {
  const path = [...above, ...(issue.path ?? []).map(({ key }) => keyOf(key))];
  let best: { path: Path; message: string } = { path, message: issue.message };
  for (const option of issue.type === 'union' ? (issue.issues ?? []) : []) {
    const inner = deepest(option, path);
    if (inner.path.length > best.path.length) best = inner;
  }
  return best;
}

function keyOf(key: unknown): string | number {
  return typeof key === 'number' ? key : String(key);
}

interface WireError {
  status: number;
  headers: Record<string, string>;
  body: ErrorBody;
}

const INVALID_REQUEST = 'invalid_request_error';
/** Characters of a message and of a field's name. */
const MAX_SHOWN = 1_000;

/** The one place where a failure gets its status, type and headers. */
export function toWire(error: ApiError): WireError {
  switch (error.kind) {
    case 'invalid':
      return wireAt(400, error, error.code);
    case 'unauthorized':
      return wire(401, INVALID_REQUEST, error.message, null, 'invalid_api_key');
    case 'forbidden':
      return wire(403, INVALID_REQUEST, error.message, null, 'insufficient_permissions');
    case 'not_found':
      return wireAt(404, error, error.code);
    case 'conflict':
      return wire(409, INVALID_REQUEST, error.message, null, null, {
        // SDKs retry a 409 of their own accord: the same request would only conflict again.
        'x-should-retry': 'false',
      });
    case 'too_large':
      return wireAt(413, error, 'request_too_large');
    case 'rate_limited':
      return wire(429, 'rate_limit_error', error.message, null, 'rate_limit_exceeded', {
        ...retryAfter(error.retryAfterMs),
      });
    case 'overloaded': {
      const message = `there is no room for another answer: try again in ${wholeSeconds(error.retryAfterMs)} s`;
      return wire(503, 'server_error', message, null, 'overloaded', {
        ...retryAfter(error.retryAfterMs),
        'x-should-retry': 'true',
      });
    }
    case 'unavailable':
      return wire(503, 'server_error', error.message, null, 'unavailable', {
        ...retryAfter(UNAVAILABLE_RETRY_MS),
        'x-should-retry': 'true',
      });
    case 'cancelled':
      // As nginx says it of a client that left; mostly nobody is there to hear it.
      return wire(499, INVALID_REQUEST, error.message, null, 'cancelled');
    case 'internal':
      return wire(
        500,
        'server_error',
        'the server failed; the request id names the log entry',
        null,
        null,
      );
    default:
      return unreachable(error);
  }
}

/** HTTP's header counts whole seconds; OpenAI's SDKs read the finer one first. */
function retryAfter(ms: number): Record<string, string> {
  return {
    'retry-after': String(wholeSeconds(ms)),
    'retry-after-ms': String(Math.max(1, Math.ceil(ms))),
  };
}

/** At least one: to come again at once is no help. */
export function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}

export function toResponse(error: ApiError): Response {
  const { status, headers, body } = toWire(error);
  return Response.json(body, { status, headers });
}

/** A request's fault at a place in it, which `param` and the message name. */
function wireAt(
  status: number,
  { path, message }: { path: Path; message: string },
  code: string | null,
) {
  const param = path.length > 0 ? path.join('.') : null;
  return wire(status, INVALID_REQUEST, param ? `${param}: ${message}` : message, param, code);
}

function wire(
  status: number,
  type: string,
  message: string,
  param: string | null,
  code: string | null,
  headers: Record<string, string> = {},
): WireError {
  const error = { message: shown(message), type, param: param && shown(param), code };
  return { status, headers, body: { error } };
}

/** A message quotes what was sent, of any length: its beginning and its end say enough. */
function shown(text: string): string {
  if (text.length <= MAX_SHOWN) return text;
  const half = MAX_SHOWN / 2;
  return `${text.slice(0, half)}…${text.slice(-half)}`.toWellFormed();
}

function unreachable(error: never): never {
  throw new Error(`no wire form for ${JSON.stringify(error)}`);
}
