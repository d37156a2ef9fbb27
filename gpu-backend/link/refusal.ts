import type { LinkErrorCode } from '../../src/link/protocol/index.ts';

/** How soon a refused worker should try again where room is all that lacks. */
export const RETRY_AFTER_MS = 1_000;

/** A turn that is not taken, before anything was allocated for it. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly code: LinkErrorCode;
  readonly retryAfterMs: number;
  /** Where in the grammar, for the code `grammar`. */
  readonly path: readonly (string | number)[];
  constructor(
    code: LinkErrorCode,
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
