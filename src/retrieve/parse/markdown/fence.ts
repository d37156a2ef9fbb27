/** A fenced block of code, as CommonMark has it. */

const OPENING = /^(\s*(?:(?:[-*+]|\d{1,9}[.)])\s+)?)(`{3,}|~{3,})/;
/** For renderers, not for readers. */
const ATTRIBUTE = /\{[^{}]*\}|[\w.:-]+=(?:"[^"]*"|'[^']*'|[^\s"']+)/g;
/** Of what follows the language: longer, it is no list of attributes. */
const MAX_ATTRIBUTES = 200;

export class Fence {
  /** The line that opens it, with the language's name. */
  readonly opening: string;
  private readonly mark: string;
  private readonly indent: number;

  private constructor(mark: string, indent: number, info: string) {
    this.mark = mark;
    this.indent = indent;
    const language = /^[A-Za-z+#-]*/.exec(info)![0];
    const rest = info.slice(language.length).trim();
    // What is no attribute may be the code itself, of a block that is nowhere closed.
    const isAttributes = rest.length <= MAX_ATTRIBUTES && rest.replace(ATTRIBUTE, '').trim() === '';
    this.opening = mark + (isAttributes ? language : info);
  }

  /**
   * Null where the line opens none: ``` `` ```code``` `` ``` in one line is a code span.
   * @param rest of a line that is too long
   */
  static open(line: string, rest: string): Fence | null {
    const opening = OPENING.exec(line);
    if (!opening) return null;
    const [whole, indent, mark] = opening;
    const info = line.slice(whole.length).trim();
    if (mark![0] === '`' && (info.includes('`') || rest.includes('`'))) return null;
    return new Fence(mark!, indent!.length, info);
  }

  withoutIndent(line: string): string {
    return line.slice(0, this.indent).trim() === '' ? line.slice(this.indent) : line;
  }

  isClosedBy(line: string): boolean {
    const bare = line.trim();
    return bare.startsWith(this.mark) && bare === this.mark[0]!.repeat(bare.length);
  }
}
