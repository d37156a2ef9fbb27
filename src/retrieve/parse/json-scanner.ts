/**
 * Reads JSON as events, without recursion and with numbers as they are written:
 * `JSON.parse` would round 64-bit ids and drop the zero of `1.10`. Linear.
 */
import { UnreadableFile } from './document.ts';
import { Slices } from './slices.ts';

export interface JsonEvents {
  open(kind: JsonContainer): void;
  close(): void;
  key(name: string): void;
  /** A string without its quotes, or anything else as it is written. */
  value(text: string): void;
}

export type JsonContainer = 'object' | 'array';

/** Containers in each other. */
const MAX_JSON_DEPTH = 512;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\r\n]*/y;
const LITERALS = ['true', 'false', 'null'];

/** Scans one value. Throws `UnreadableFile`, its message made by `fault` of the place. */
export function* scanJson(
  source: string,
  events: JsonEvents,
  fault: (at: number) => string,
): Generator<void, void> {
  const scanner = new Scanner(source, events, fault);
  const slices = new Slices();
  while (scanner.step()) {
    if (slices.endBefore(scanner.at)) yield;
  }
}

type Expected = 'value' | 'first value' | 'key' | 'first key' | 'comma';

class Scanner {
  at = 0;
  private readonly source: string;
  private readonly events: JsonEvents;
  private readonly fault: (at: number) => string;
  private readonly open: JsonContainer[] = [];
  private expected: Expected = 'value';

  constructor(source: string, events: JsonEvents, fault: (at: number) => string) {
    this.source = source;
    this.events = events;
    this.fault = fault;
  }

  /** Reads a token. False at the end of the value. */
  step(): boolean {
    this.skipSpace();
    const { expected } = this;
    const mark = this.source[this.at];
    if (expected === 'comma') return this.afterValue(mark);
    if (expected === 'first value' && mark === ']') this.close();
    else if (expected === 'first key' && mark === '}') this.close();
    else if (expected === 'key' || expected === 'first key') this.key();
    else this.value(mark);
    return true;
  }

  private skipSpace(): void {
    SPACE.lastIndex = this.at;
    SPACE.test(this.source);
    this.at = SPACE.lastIndex;
  }

  private afterValue(mark: string | undefined): boolean {
    const container = this.open.at(-1);
    if (container === undefined) {
      if (mark !== undefined) this.fail();
      return false;
    }
    if (mark === ',') {
      this.at++;
      this.expected = container === 'array' ? 'value' : 'key';
    } else if (mark === (container === 'array' ? ']' : '}')) {
      this.close();
    } else {
      this.fail();
    }
    return true;
  }

  private key(): void {
    this.events.key(this.string());
    this.skipSpace();
    if (this.source[this.at] !== ':') this.fail();
    this.at++;
    this.expected = 'value';
  }

  private value(mark: string | undefined): void {
    this.expected = 'comma';
    if (mark === '{' || mark === '[') {
      this.at++;
      const kind = mark === '{' ? 'object' : 'array';
      if (this.open.push(kind) > MAX_JSON_DEPTH) {
        throw new UnreadableFile(
          'invalid_file',
          `the JSON is nested deeper than ${MAX_JSON_DEPTH}: flatten it`,
        );
      }
      this.events.open(kind);
      this.expected = kind === 'object' ? 'first key' : 'first value';
    } else if (mark === '"') {
      this.events.value(this.string());
    } else {
      this.events.value(this.bare());
    }
  }

  private close(): void {
    this.at++;
    this.open.pop();
    this.events.close();
    this.expected = 'comma';
  }

  private string(): string {
    const { source } = this;
    const start = this.at;
    if (source[start] !== '"') this.fail();
    let end = start;
    do {
      end = source.indexOf('"', end + 1);
      if (end < 0) this.fail();
    } while (isEscaped(source, end));
    this.at = end + 1;
    try {
      return JSON.parse(source.slice(start, end + 1)) as string;
    } catch {
      this.at = start;
      return this.fail();
    }
  }

  private bare(): string {
    const { source, at } = this;
    const literal = LITERALS.find((name) => source.startsWith(name, at));
    NUMBER.lastIndex = at;
    const text = literal ?? NUMBER.exec(source)?.[0];
    if (text === undefined) return this.fail();
    this.at += text.length;
    return text;
  }

  private fail(): never {
    throw new UnreadableFile('invalid_file', this.fault(this.at));
  }
}

/** Whether an odd number of backslashes precedes the quote. */
function isEscaped(source: string, quote: number): boolean {
  let first = quote;
  while (source[first - 1] === '\\') first--;
  return (quote - first) % 2 === 1;
}
