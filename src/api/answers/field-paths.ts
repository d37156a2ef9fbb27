import type { Path } from '../errors.ts';

/**
 * Where a route's body has what can still turn out wrong once the body is valid,
 * so that a failure names the caller's own field.
 */
export interface FieldPaths {
  /** What is answered: messages, input or prompts. */
  prompt: Path;
  maxTokens: Path;
  /** What makes several answers of one request. */
  choices: Path;
  /** Files that are answered from. */
  files: Path;
  /** What the text must be, and the JSON Schema in it. */
  format: Path;
  schema: Path;
  /** Each function that the answer is held to, in order. */
  functions: readonly Path[];
}
