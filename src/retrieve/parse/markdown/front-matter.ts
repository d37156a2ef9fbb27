/** The block of metadata before a page: YAML between `---`, TOML between `+++`. */

export interface FrontMatter {
  title: string;
  /** All but the title. */
  text: string;
  /** Range of it in the source; `end` is where the page begins. */
  start: number;
  end: number;
}

const MARKS = ['---', '+++'];
/** Characters of a block: more is text, which is read in slices. */
const MAX_FRONT_MATTER = 65_536;

/** Null where the source begins with text. */
export function readFrontMatter(source: string): FrontMatter | null {
  const start = source.length - source.trimStart().length;
  const mark = MARKS.find((mark) => source.startsWith(mark, start));
  if (!mark) return null;
  const furthest = start + MAX_FRONT_MATTER;
  const [opening, first] = [lineAt(source, start), lineAt(source, lineEnd(source, start) + 1)];
  if (opening.trim() !== mark || !/^(?:[\w-]{1,80}["']?\s?[:=]|#|\[)/.test(first)) return null;
  const kept: string[] = [];
  let title = '';
  for (let at = lineEnd(source, start) + 1; at < source.length; at = lineEnd(source, at) + 1) {
    const end = lineEnd(source, at);
    if (end > furthest) return null;
    const line = source.slice(at, end);
    if (line.trim() === mark) return { title, text: kept.join('\n'), start, end: end + 1 };
    const named = /^title\s?[:=](.*)/.exec(line)?.[1];
    if (named !== undefined && title === '') title = named.trim().replace(/^["']|["']$/g, '');
    else if (line.trim() !== '') kept.push(line.trimEnd());
  }
  return null;
}

function lineEnd(source: string, at: number): number {
  const newline = source.indexOf('\n', at);
  return newline < 0 ? source.length : newline;
}

function lineAt(source: string, at: number): string {
  return source.slice(at, lineEnd(source, at));
}
