/**
 * Calls in Python's form, as Llama 3.2 writes them: `[f(x="y"), g(n=[1, True])]`.
 * Arguments are literals with a keyword each; anything else that Python would take,
 * such as `[f(x) for x in y]`, is no call. The list counts once its end is there.
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
/** Python's and JSON's. A map, as an object would also have `constructor`. */
const CONSTANTS: ReadonlyMap<string, string> = new Map([
  ['True', 'true'],
  ['False', 'false'],
  ['None', 'null'],
  ['true', 'true'],
  ['false', 'false'],
  ['null', 'null'],
]);
const ESCAPES: Record<string, string> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

const NONE = Symbol('none');

/** Yields where it needs more text; throws `NONE` at what can't be there. */
type Reading<Value> = Generator<void, Value>;

/**
 * Reads a list of calls that comes in pieces, from its `[`. It goes on where the last
 * piece ended, so a list costs O(its length) in whatever pieces it comes.
 */
export class PythonicReader {
  /** The last piece alone: what came before was read. */
  private piece = '';
  private at = 0;
  /** Characters of the pieces before. */
  private before = 0;
  private depth = 0;
  private readonly names: ReadonlySet<string>;
  private readonly reading: Reading<PythonicCall[]>;

  /** @param names functions that may be called */
  constructor(names: ReadonlySet<string>) {
    this.names = names;
    this.reading = this.list('[', ']', () => this.call());
  }

  /** `incomplete`: more text may make it calls. Not to be called again after another answer. */
  push(text: string): PythonicCalls | 'incomplete' | 'none' {
    this.before += this.piece.length;
    this.piece = text;
    this.at = 0;
    try {
      const { done, value: calls } = this.reading.next();
      if (!done) return 'incomplete';
      return calls.length > 0 ? { calls, length: this.before + this.at } : 'none';
    } catch (reason) {
      if (reason === NONE) return 'none';
      throw reason;
    }
  }

  private *call(): Reading<PythonicCall> {
    const name = yield* this.word((word) => this.mayBeName(word));
    if (!this.names.has(name)) throw NONE;
    const seen = new Set<string>();
    const pairs = yield* this.list('(', ')', () => this.argument(seen));
    return { name, arguments: `{${pairs.join(', ')}}` };
  }

  private mayBeName(word: string): boolean {
    for (const name of this.names) if (name.startsWith(word)) return true;
    return false;
  }

  private *argument(seen: Set<string>): Reading<string> {
    const keyword = yield* this.word();
    yield* this.take('=');
    if (seen.has(keyword)) throw NONE;
    seen.add(keyword);
    return `${JSON.stringify(keyword)}: ${yield* this.literal()}`;
  }

  /** Items between brackets, divided by commas, with one after the last allowed. */
  private *list<Item>(open: string, close: string, item: () => Reading<Item>): Reading<Item[]> {
    if (++this.depth > MAX_DEPTH) throw NONE;
    yield* this.take(open);
    const items: Item[] = [];
    while ((yield* this.peek()) !== close) {
      items.push(yield* item());
      if ((yield* this.peek()) !== close) yield* this.take(',');
    }
    yield* this.take(close);
    this.depth--;
    return items;
  }

  /** The JSON of a literal. */
  private *literal(): Reading<string> {
    const next = yield* this.peek();
    if (next === '"' || next === "'") return JSON.stringify(yield* this.string(next));
    if (next === '[') {
      return `[${(yield* this.list('[', ']', () => this.literal())).join(', ')}]`;
    }
    if (next === '{') return `{${(yield* this.list('{', '}', () => this.pair())).join(', ')}}`;
    if (/[-\d.]/.test(next)) return yield* this.number();
    const constant = CONSTANTS.get(yield* this.word());
    if (constant === undefined) throw NONE;
    return constant;
  }

  private *pair(): Reading<string> {
    const quote = yield* this.peek();
    if (quote !== '"' && quote !== "'") throw NONE;
    const key = yield* this.string(quote);
    yield* this.take(':');
    return `${JSON.stringify(key)}: ${yield* this.literal()}`;
  }

  private *string(quote: string): Reading<string> {
    yield* this.take(quote);
    let value = '';
    for (;;) {
      const character = yield* this.next();
      this.at++;
      if (character === quote) return value;
      // Python ends a line inside of quotes nowhere; models do.
      value += character === '\\' ? yield* this.escape() : character;
    }
  }

  private *escape(): Reading<string> {
    const kind = yield* this.next();
    this.at++;
    const digits = { x: 2, u: 4 }[kind];
    if (digits === undefined) return ESCAPES[kind] ?? `\\${kind}`;
    let code = '';
    while (code.length < digits) {
      const digit = yield* this.next();
      if (!/[\da-f]/i.test(digit)) throw NONE;
      code += digit;
      this.at++;
    }
    return String.fromCharCode(Number.parseInt(code, 16));
  }

  /** In JSON's form, which Python's are but for underscores and points at an end. */
  private *number(): Reading<string> {
    const number = yield* this.run(/[-+\w.]/);
    if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(number)) throw NONE;
    return number;
  }

  private *word(mayBe?: (word: string) => boolean): Reading<string> {
    if (!/[A-Za-z_]/.test(yield* this.peek())) throw NONE;
    return yield* this.run(/[\w.-]/, mayBe);
  }

  /** Characters of a kind, up to the first of another. @param mayBe whether it may go on as it begins */
  private *run(kind: RegExp, mayBe = (_: string): boolean => true): Reading<string> {
    let run = '';
    for (;;) {
      const character = yield* this.next();
      if (!kind.test(character)) return run;
      run += character;
      if (!mayBe(run)) throw NONE;
      this.at++;
    }
  }

  private *take(character: string): Reading<void> {
    if ((yield* this.peek()) !== character) throw NONE;
    this.at++;
  }

  /** The next character that is no white space. */
  private *peek(): Reading<string> {
    for (;;) {
      const next = yield* this.next();
      if (!/\s/.test(next)) return next;
      this.at++;
    }
  }

  /** The next character, which is not yet taken. */
  private *next(): Reading<string> {
    while (this.at === this.piece.length) yield;
    return this.piece[this.at]!;
  }
}
