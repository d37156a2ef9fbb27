/**
 * What an answer's text must be, as `open` asks for it. The verifier holds every
 * drawn token to it; what it can't do is refused with the code `grammar` and
 * the path of the fault from here down: `['functions', 0, 'parameters', 'not']`.
 */
export type GrammarSetting =
  /** Any JSON object. */
  | { kind: 'json_object' }
  /**
   * A value that is valid under a JSON Schema. `strict` (the default): a schema with a
   * keyword that can't be held is refused; else `ready` names the keyword.
   */
  | { kind: 'json_schema'; schema: unknown; strict?: boolean }
  | CallsSetting;

/** Calls of functions, as the model writes them: {"name": …, "arguments": …} between two marks. */
export interface CallsSetting {
  kind: 'calls';
  /** 1 to `MAX_MARK_LENGTH` characters each. */
  begin: string;
  end: string;
  /** At most `MAX_FUNCTIONS`; `parameters` is a JSON Schema, `strict` as above. */
  functions: { name: string; parameters: unknown; strict?: boolean }[];
  /** Whether text may come before the first call, or instead of it. */
  free: boolean;
  /** Whether more than one call may follow each other. */
  many: boolean;
}

export const MAX_FUNCTIONS = 128;
export const MAX_MARK_LENGTH = 64;
