/**
 * Calls in Python's form, as Llama 3.2 writes them: `[f(x="y"), g(n=[1, True])]`.
 * Arguments are literals with a keyword each; anything else that Python would take,
 * such as `[f(x) for x in y]`, is no call. The list is read once its end is there.
 */

interface PythonicCall {
  name: string;
  /** JSON. */
  arguments: string;
}

export interface PythonicCalls {
  calls: PythonicCall[];
  /** Characters of the list, its brackets included. */
  length: number;
}

/** Deeper literals are no arguments. */
const MAX_DEPTH = 32;
const CONSTANTS: Record<string, string> = {
  True: 'true',
  False: 'false',
  None: 'null',
  true: 'true',
  false: 'false',
  null: 'null',
};
const ESCAPES: Record<string, string> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** Reads `text` from its `[`, for functions of these names. O(length). `incomplete`: more text may make it calls. */
export function readPythonicCalls(
  text: string,
  names: ReadonlySet<string>,
): PythonicCalls | 'incomplete' | 'none' {
  const reader = new LiteralReader(text);
  try {
    const calls = reader.list('[', ']', () => reader.call(names));
    return calls.length > 0 ? { calls, length: reader.at } : 'none';
  } catch (reason) {
    if (reason === INCOMPLETE || reason === NONE) return reason === NONE ? 'none' : 'incomplete';
    throw reason;
  }
}

const INCOMPLETE = Symbol('incomplete');
const NONE = Symbol('none');

/** Throws `INCOMPLETE` where the text ends too early and `NONE` at what can't be there. */
class LiteralReader {
  at = 0;
  private depth = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  call(names: ReadonlySet<string>): PythonicCall {
    const name = this.word();
    if (!names.has(name)) throw NONE;
    const seen = new Set<string>();
    const pairs = this.list('(', ')', () => {
      const keyword = this.word();
      this.take('=');
      if (seen.has(keyword)) throw NONE;
      seen.add(keyword);
      return `${JSON.stringify(keyword)}: ${this.literal()}`;
    });
    return { name, arguments: `{${pairs.join(', ')}}` };
  }

  /** Items between brackets, divided by commas, with one after the last allowed. */
  list<Item>(open: string, close: string, item: () => Item): Item[] {
    if (++this.depth > MAX_DEPTH) throw NONE;
    this.take(open);
    const items: Item[] = [];
    while (!this.has(close)) {
      items.push(item());
      if (!this.has(close)) this.take(',');
    }
    this.take(close);
    this.depth--;
    return items;
  }

  /** The JSON of a literal. */
  private literal(): string {
    const next = this.peek();
    if (next === '"' || next === "'") return JSON.stringify(this.string(next));
    if (next === '[') return `[${this.list('[', ']', () => this.literal()).join(', ')}]`;
    if (next === '{') return `{${this.list('{', '}', () => this.pair()).join(', ')}}`;
    if (/[-\d.]/.test(next)) return this.number();
    const constant = CONSTANTS[this.word()];
    if (constant === undefined) throw NONE;
    return constant;
  }

  private pair(): string {
    const quote = this.peek();
    if (quote !== '"' && quote !== "'") throw NONE;
    const key = this.string(quote);
    this.take(':');
    return `${JSON.stringify(key)}: ${this.literal()}`;
  }

  private string(quote: string): string {
    this.take(quote);
    let value = '';
    for (;;) {
      const character = this.text[this.at++];
      if (character === undefined) throw INCOMPLETE;
      if (character === quote) return value;
      // Python ends a line inside of quotes nowhere; models do.
      value += character === '\\' ? this.escape() : character;
    }
  }

  private escape(): string {
    const kind = this.text[this.at++];
    if (kind === undefined) throw INCOMPLETE;
    const digits = { x: 2, u: 4 }[kind];
    if (digits === undefined) return ESCAPES[kind] ?? `\\${kind}`;
    const code = this.text.slice(this.at, this.at + digits);
    if (!/^[\da-f]*$/i.test(code)) throw NONE;
    if (code.length < digits) throw INCOMPLETE;
    this.at += digits;
    return String.fromCharCode(Number.parseInt(code, 16));
  }

  /** In JSON's form, which Python's are but for underscores and points at an end. */
  private number(): string {
    const number = this.run(/[-+\w.]*/y);
    if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(number)) throw NONE;
    return number;
  }

  private word(): string {
    this.peek();
    const word = this.run(/[A-Za-z_][\w.-]*/y);
    if (word === '') throw NONE;
    return word;
  }

  /** What matches here; it may go on where the text ends. */
  private run(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    if (this.at === this.text.length) throw INCOMPLETE;
    return found;
  }

  private has(character: string): boolean {
    return this.peek() === character;
  }

  private take(character: string): void {
    if (this.peek() !== character) throw NONE;
    this.at++;
  }

  /** The next character that is no white space. */
  private peek(): string {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
    const next = this.text[this.at];
    if (next === undefined) throw INCOMPLETE;
    return next;
  }
}
