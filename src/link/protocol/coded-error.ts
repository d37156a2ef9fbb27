/** Why a turn is refused or ends early, as the `error` frame has it. */
export abstract class CodedError<Code extends string> extends Error {
  readonly code: Code;
  /** Milliseconds after which trying again makes sense; 0 when nobody said. */
  readonly retryAfterMs: number;
  /** Where in the grammar the fault is, for the code `grammar`: `['functions', 0, 'parameters', 'not']`. */
  readonly path: readonly (string | number)[];

  constructor(
    code: Code,
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
