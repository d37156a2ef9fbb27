import type { LinkErrorCode } from './protocol/index.ts';

/**
 * Why a link ended without `done`. From here: `unreachable` (no connection),
 * `lost` (it broke), `silent` (nothing came within the deadline), `cancelled`
 * (closed from this side); the rest are the verifier's.
 */
export type LinkFailureCode = LinkErrorCode | 'unreachable' | 'lost' | 'silent' | 'cancelled';

export class LinkFailure extends Error {
  override name = 'LinkFailure';
  readonly code: LinkFailureCode;
  /** Milliseconds after which trying again makes sense; 0 when nobody said. */
  readonly retryAfterMs: number;
  /** Where in the grammar the fault is, for the code `grammar`: `['functions', 0, 'parameters', 'not']`. */
  readonly path: readonly (string | number)[];
  constructor(
    code: LinkFailureCode,
    message: string,
    retryAfterMs = 0,
    path: readonly (string | number)[] = [],
  ) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
    this.path = path;
  }
}

/** What a reader meets who goes on reading behind his own `close`: half an answer must not look whole. */
export function closedHere(): LinkFailure {
  return new LinkFailure('cancelled', 'the turn was closed before its end');
}
