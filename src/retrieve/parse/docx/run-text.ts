/** The text of runs: what their elements say, without what was deleted or is only a field's code. */
import { attribute } from './names.ts';

/** Text twice, text that is gone, and properties that a paragraph had. */
const SKIPPED = new Set(
  'Fallback moveFrom tabs pPrChange rPrChange sectPrChange tblPrChange tcPrChange trPrChange'.split(
    ' ',
  ),
);

/** Characters of a picture's description: a longer one would be a slice of its own. */
export const MAX_DESCRIPTION = 32_768;

export class RunText {
  text = '';
  /** Descriptions that were too long. */
  leftOut = 0;
  private inText = false;
  private skipped = '';
  private depth = 0;

  /** Whether what is read now counts for nothing. */
  get isSkipping(): boolean {
    return this.skipped !== '';
  }

  open(name: string, attributes: ReadonlyMap<string, string>): void {
    if (this.skipped !== '') {
      if (name === this.skipped) this.depth++;
    } else if (SKIPPED.has(name)) {
      this.skipped = name;
      this.depth = 1;
    } else if (name === 't') this.inText = true;
    else if (name === 'tab' || name === 'ptab') this.text += ' ';
    else if (name === 'br' || name === 'cr') this.text += '\n';
    else if (name === 'noBreakHyphen') this.text += '-';
    else if (name === 'sym') this.text += symbol(attribute(attributes, 'char'));
    else if (name === 'docPr') this.describe(attribute(attributes, 'descr') ?? '');
  }

  close(name: string): void {
    if (name === this.skipped) {
      if (--this.depth === 0) this.skipped = '';
    } else if (name === 't') {
      this.inText = false;
    }
  }

  add(text: string): void {
    if (this.inText && this.skipped === '') this.text += text;
  }

  take(): string {
    const { text } = this;
    this.text = '';
    return text;
  }

  /** A picture's description stands for it. */
  private describe(text: string): void {
    if (text.length > MAX_DESCRIPTION) this.leftOut++;
    else if (text !== '') this.text += ` ${text} `;
  }
}

/** A character of a symbol font has a private code point, which says nothing. */
function symbol(hexadecimal: string | undefined): string {
  const code = Number.parseInt(hexadecimal ?? '', 16);
  const isPrivate = code >= 0xe000 && code <= 0xf8ff;
  return code > 0 && code < 0x10000 && !isPrivate ? String.fromCharCode(code) : ' ';
}
