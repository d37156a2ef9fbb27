import { CodedError, type LinkErrorCode } from './protocol/index.ts';

/**
 * Why a link ended without `done`. From here: `unreachable` (no connection),
 * `lost` (it broke), `silent` (nothing came within the deadline), `cancelled`
 * (closed from this side); the rest are the verifier's.
 */
export type LinkFailureCode = LinkErrorCode | 'unreachable' | 'lost' | 'silent' | 'cancelled';

export class LinkFailure extends CodedError<LinkFailureCode> {
  override name = 'LinkFailure';
}

/** What a reader gets that continues to read after its own `close`: half an answer must not look whole. */
export function closedHere(): LinkFailure {
  return new LinkFailure('cancelled', 'the turn was closed before its end');
}
