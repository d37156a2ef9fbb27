/** What models write around calls and between them. */

/** Mistral's, where decoding left it in. */
export const MISTRAL_MARK = '[TOOL_CALLS]';
/** What may come before calls, and what then closes them. */
export const OPENERS: readonly (readonly [opener: string, closer: string | null])[] = [
  [MISTRAL_MARK, null],
  ['<|python_tag|>', null],
  ['<tools>', '</tools>'],
  ['```json', '```'],
  ['```', '```'],
];
/** What divides calls without marks. */
export const DIVIDERS = /^[\s;,]*/;

/** Length of the longest end of `text` that begins one of `marks`. */
export function openEnd(text: string, marks: readonly string[]): number {
  const longest = Math.max(...marks.map(({ length }) => length));
  for (let n = Math.min(text.length, longest - 1); n > 0; n--) {
    const end = text.slice(text.length - n);
    if (marks.some((mark) => mark.startsWith(end))) return n;
  }
  return 0;
}
