/**
 * Calls whose name stands before their arguments: `<function=f>{…}` (Llama 3.1) and
 * `f[ARGS]{…}` or `f{…}` (Mistral's later models, which may put an id in between).
 */
import type { CallHead } from './json-scanner.ts';

/** What ends the first form; the second ends with its arguments. */
export const FUNCTION_END = '</function>';

const FUNCTION = /^<function=([\w.-]{1,64})>\s*(?=\{)/;
const NAMED = /^([\w.-]{1,64})(?:\[CALL_ID\]\w{1,64})?\s*(?:\[ARGS\])?\s*(?=\{\s*["}])/;
/** Beginnings of both that more text may complete. */
const OPEN_FUNCTION = /^<function=[\w.-]{0,64}(?:>\s*)?$/;
const OPEN_NAMED =
  /^[\w.-]{1,64}(?:\[CALL_ID\]\w{0,64})?\s*(?:\[[A-Z_]{0,7}|\[ARGS\]\s*)?(?:\{\s*)?$/;

/** `incomplete`: more text may make it a call of one of `names`. */
export function readNamedHead(
  text: string,
  names: ReadonlySet<string>,
): CallHead | 'incomplete' | 'none' {
  const match = FUNCTION.exec(text) ?? NAMED.exec(text);
  if (match) return { name: match[1]!, length: match[0].length };
  if (FUNCTION_BEGIN.startsWith(text) || OPEN_FUNCTION.test(text)) return 'incomplete';
  return OPEN_NAMED.test(text) && mayBeNamed(text, names) ? 'incomplete' : 'none';
}

const FUNCTION_BEGIN = '<function=';

/** Whether the word that `text` begins with is, or may become, one of `names`: prose is not held up. */
function mayBeNamed(text: string, names: ReadonlySet<string>): boolean {
  const word = /^[\w.-]*/.exec(text)![0];
  if (word.length < text.length) return names.has(word);
  for (const name of names) if (name.startsWith(word)) return true;
  return false;
}
