import { CodedError, type LinkErrorCode } from '../../src/link/protocol/index.ts';

/** How soon a refused worker should try again where room is all that lacks. */
export const RETRY_AFTER_MS = 1_000;

/** A turn that is not taken, before anything was allocated for it. */
export class Refusal extends CodedError<LinkErrorCode> {
  override name = 'Refusal';
}
