/** Which brackets of a line belong together, and where its code spans end. Linear in the line. */

export interface Brackets {
  /** By the first backtick of a code span, the place after its last. */
  codeEnd: Map<number, number>;
  /** By an opening bracket or parenthesis, its closing one. */
  closing: Map<number, number>;
}

/** Parentheses in each other: a link's target has no more, and each level is read once more. */
const MAX_PARENTHESES = 8;

const MARKS = /\\|`+|[[\]()]/g;

/** Offsets are the line's. A backslash takes the meaning of the character after it. */
export function matchBrackets(line: string): Brackets {
  const codeEnd = matchCode(line);
  const closing = new Map<number, number>();
  const open: Record<string, number[]> = { '[': [], '(': [] };
  MARKS.lastIndex = 0;
  for (let found = MARKS.exec(line); found; found = MARKS.exec(line)) {
    const { 0: mark, index } = found;
    if (mark === '\\') MARKS.lastIndex = index + 2;
    else if (mark[0] === '`') MARKS.lastIndex = codeEnd.get(index) ?? MARKS.lastIndex;
    else if (mark === '[') open[mark]!.push(index);
    else if (mark === '(') {
      if (open[mark]!.push(index) > MAX_PARENTHESES) open[mark]!.shift();
    } else {
      const start = open[mark === ']' ? '[' : '(']!.pop();
      if (start !== undefined) closing.set(start, index);
    }
  }
  return { codeEnd, closing };
}

/** A code span ends at the next run of as many backticks as begin it. */
function matchCode(line: string): Map<number, number> {
  const ends = new Map<number, number>();
  const runs = Array.from(line.matchAll(/\\`|`+/g), ({ 0: run, index }) => ({ run, index }));
  const next = new Map<number, number>();
  for (const { run, index } of runs.reverse()) {
    if (run[0] === '\\') continue;
    const close = next.get(run.length);
    if (close !== undefined) ends.set(index, close + run.length);
    next.set(run.length, index);
  }
  return ends;
}
