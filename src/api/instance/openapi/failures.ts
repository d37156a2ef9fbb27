/** What can go wrong with an operation, and the headers of its answers. */
import { errorBody } from '../../wire.ts';
import { refOf } from './json-schema.ts';
import { JSON_TYPE, type Operation } from './operation.ts';

const FAILURES = {
  400: 'A field is wrong, unknown or not supported: `param` names it.',
  401: 'The key is missing, unknown or revoked.',
  403: 'The key lacks the scope.',
  404: 'Nothing of the caller’s has this id.',
  409: 'The idempotency key is in use, or was used for another request.',
  413: 'The body is too large.',
  429: 'The key’s rate or concurrency is reached.',
  500: 'The server failed; the request id names the log entry.',
  503: 'The verifier is away, or full.',
} as const;
type Failure = keyof typeof FAILURES;

const HEADERS = {
  'x-request-id':
    'Names the request in the log. The caller’s own `x-request-id` where it fits, else a new one.',
  'openai-processing-ms': 'Milliseconds until the answer began.',
  'x-ratelimit-limit-requests': 'Requests that the key may send a minute.',
  'x-ratelimit-remaining-requests': 'Requests that are left of them.',
  'x-ratelimit-reset-requests': 'Time until all are available again, such as `12s`.',
  'x-espalier-ignored':
    'Fields that had no effect: unknown ones, and variables that the chat template does not read.',
  'retry-after': 'Seconds until the request may be sent again.',
  'retry-after-ms': 'The same in milliseconds.',
  'x-should-retry': 'Whether the same request can succeed. SDKs obey it.',
} as const;
type Header = keyof typeof HEADERS;

const ALWAYS: Header[] = ['x-request-id', 'openai-processing-ms'];
const TO_A_KEY: Header[] = [
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
];
const TO_A_BODY: Header[] = ['x-espalier-ignored'];
const TO_RETRY: Header[] = ['retry-after', 'retry-after-ms'];

/** Operations that a key's limits apply to. */
const isLimited = ({ path }: Operation) => path.startsWith('/v1/');

/** Whether its answer is kept for an `idempotency-key`. */
export const isKept = (operation: Operation) => isLimited(operation) && operation.method === 'post';

/** References to the failures of an operation, by status: they follow from what it takes and needs. */
export function failuresOf(operation: Operation): Record<string, object> {
  const takes = operation.body ?? operation.form;
  const possible: [Failure, unknown][] = [
    [400, takes || operation.query],
    [401, operation.scopes.length > 0],
    [403, operation.scopes.length > 0],
    [404, operation.path.includes('{') || operation.needsVerifier],
    [409, isKept(operation)],
    [413, takes],
    [429, isLimited(operation)],
    [500, true],
    [503, operation.needsVerifier],
  ];
  return Object.fromEntries(
    possible
      .filter(([, can]) => can)
      .map(([status]) => [status, { $ref: `#/components/responses/${nameOf(status)}` }]),
  );
}

/** References to the headers of an operation's answer. */
export function headersOf(operation: Operation): Record<string, object> {
  return references([
    ...ALWAYS,
    ...(isLimited(operation) ? TO_A_KEY : []),
    ...(operation.body ? TO_A_BODY : []),
  ]);
}

/** The document's `components.responses`. */
export function failureComponents() {
  const failures = Object.entries(FAILURES).map(([status, description]) => [
    nameOf(status),
    {
      description,
      headers: references(headersOfFailure(Number(status))),
      content: { [JSON_TYPE]: { schema: refOf(errorBody) } },
    },
  ]);
  return Object.fromEntries(failures);
}

/** The document's `components.headers`. */
export function headerComponents() {
  const headers = Object.entries(HEADERS).map(([name, description]) => [
    name,
    { description, schema: { type: 'string' } },
  ]);
  return Object.fromEntries(headers);
}

const nameOf = (status: number | string) => `Failure${status}`;

function headersOfFailure(status: number): Header[] {
  if (status === 429) return [...ALWAYS, ...TO_A_KEY, ...TO_RETRY];
  if (status === 503) return [...ALWAYS, ...TO_RETRY, 'x-should-retry'];
  return status === 409 ? [...ALWAYS, 'x-should-retry'] : ALWAYS;
}

function references(names: readonly Header[]) {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
