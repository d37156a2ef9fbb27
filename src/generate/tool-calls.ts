/**
 * Finds calls of functions in an answer as it streams, in the forms that models
 * write them in:
 *
 * - `<tool_call>{"name", "arguments"}</tool_call>`: Hermes, Qwen;
 * - `{"name", "parameters"}`, several divided by `;` or lines: Llama 3;
 * - `[{"name", "arguments"}, …]`: Mistral;
 * - the same in a fence of JSON: Qwen2.5-Coder.
 *
 * Text passes through; arguments go out in the fragments they come in. A form
 * without a mark counts only where nothing but calls came before it, and only
 * with the name of a function that was offered: other JSON is text.
 */
import { ObjectScanner, readCallHead } from './json-scanner.ts';
import { CALL_BEGIN, CALL_END } from './tools.ts';

/** What a piece of text turned out to be. */
export type CallEvent =
  | { type: 'text'; text: string }
  /** The next call begins. */
  | { type: 'call'; index: number; name: string }
  /** More of its arguments. */
  | { type: 'arguments'; index: number; text: string };

/** What may come before a call without marks: tokens that decoding left in, or a fence. */
const OPENERS = ['```json', '[TOOL_CALLS]', '<|python_tag|>'];
/** What divides and ends calls without marks. */
const DIVIDERS = /^(?:[\s;,\]]|```)*/;

type AnswerPart = 'start' | 'text' | 'head' | 'arguments' | 'tail';

export class ToolCalls {
  /** Calls so far. */
  private count = 0;
  /** `start`: nothing but calls has come yet. */
  private part: AnswerPart = 'start';
  private held = '';
  private marked = false;
  private scanner = new ObjectScanner();
  private readonly names: ReadonlySet<string>;

  /** @param names functions whose calls are recognised without marks */
  constructor(names: ReadonlySet<string>) {
    this.names = names;
  }

  /** O(length of what is held). */
  push(text: string): CallEvent[] {
    this.held += text;
    const events: CallEvent[] = [];
    while (this.take(events));
    return events;
  }

  /** What was held when the answer ended: an unfinished mark or call is text after all. */
  flush(): CallEvent[] {
    const { held, part, count } = this;
    this.held = '';
    if (held === '' || part === 'tail' || part === 'arguments') return [];
    if (part === 'head') return [{ type: 'text', text: CALL_BEGIN + held }];
    // What closes a list of calls, or the fence around them.
    if (part === 'start' && count > 0 && DIVIDERS.exec(held)![0] === held) return [];
    return this.text(held);
  }

  /** Takes the next thing from what is held; false when that needs more text. */
  private take(events: CallEvent[]): boolean {
    switch (this.part) {
      case 'start':
        return this.takeUnmarked(events);
      case 'text':
        return this.takeText(events);
      case 'head':
        return this.takeMarked(events);
      case 'arguments':
        return this.takeArguments(events);
      case 'tail':
        return this.takeTail();
    }
  }

  /** A call without marks, where one may come; anything else is text. */
  private takeUnmarked(events: CallEvent[]): boolean {
    const dividers = this.count > 0 && !this.marked ? DIVIDERS : /^\s*/;
    let at = dividers.exec(this.held)![0].length;
    let rest = this.held.slice(at);
    if (rest === '') return false;
    const opener = OPENERS.find((one) => rest.startsWith(one) || one.startsWith(rest));
    if (opener !== undefined && rest.length < opener.length) return false;
    at += opener?.length ?? 0;
    at += /^\s*\[?/.exec(this.held.slice(at))![0].length;
    rest = this.held.slice(at);
    const head = readCallHead(rest);
    if (head === 'incomplete') return false;
    if (head === 'none' || !this.names.has(head.name)) {
      this.part = 'text';
      return true;
    }
    this.marked = false;
    this.begin(events, head.name, at + head.length);
    return true;
  }

  private takeText(events: CallEvent[]): boolean {
    const at = this.held.indexOf(CALL_BEGIN);
    const end = at < 0 ? this.held.length - openEnd(this.held) : at;
    events.push(...this.text(this.held.slice(0, end)));
    this.held = this.held.slice(at < 0 ? end : at + CALL_BEGIN.length);
    if (at < 0) return false;
    this.part = 'head';
    return true;
  }

  private takeMarked(events: CallEvent[]): boolean {
    const head = readCallHead(this.held);
    if (typeof head !== 'object') return this.takeWhole(events);
    this.marked = true;
    this.begin(events, head.name, head.length);
    return true;
  }

  private begin(events: CallEvent[], name: string, length: number): void {
    events.push({ type: 'call', index: this.count, name });
    this.held = this.held.slice(length);
    this.scanner = new ObjectScanner();
    this.part = 'arguments';
  }

  private takeArguments(events: CallEvent[]): boolean {
    const length = this.scanner.scan(this.held);
    const text = this.held.slice(0, length);
    if (length > 0) events.push({ type: 'arguments', index: this.count, text });
    this.held = this.held.slice(length);
    if (!this.scanner.ended) return false;
    this.count++;
    this.part = 'tail';
    // The call's own bracket is still open.
    this.scanner = new ObjectScanner(1);
    return true;
  }

  /** What follows the arguments: with marks up to the closing one, without up to the object's end. */
  private takeTail(): boolean {
    if (this.marked) {
      const at = this.held.indexOf(CALL_END);
      if (at < 0) return false;
      this.held = this.held.slice(at + CALL_END.length);
    } else {
      this.held = this.held.slice(this.scanner.scan(this.held));
      if (!this.scanner.ended) return false;
    }
    this.part = 'start';
    return true;
  }

  /** A marked call that does not begin as calls do: whole, once its end is there. */
  private takeWhole(events: CallEvent[]): boolean {
    const at = this.held.indexOf(CALL_END);
    if (at < 0) return false;
    const body = this.held.slice(0, at);
    const call = callOf(body);
    if (call) {
      events.push({ type: 'call', index: this.count, name: call.name });
      events.push({ type: 'arguments', index: this.count, text: call.text });
      this.count++;
      this.marked = true;
    } else events.push({ type: 'text', text: CALL_BEGIN + body + CALL_END });
    this.held = this.held.slice(at + CALL_END.length);
    this.part = call ? 'start' : 'text';
    return true;
  }

  private text(text: string): CallEvent[] {
    // The line between a call and what follows it is no part of the answer's text.
    if (text === '' || (this.count > 0 && text.trim() === '')) return [];
    return [{ type: 'text', text }];
  }
}

function callOf(body: string): { name: string; text: string } | null {
  try {
    const call = JSON.parse(body) as { name?: unknown; arguments?: unknown; parameters?: unknown };
    const value = call.arguments ?? call.parameters ?? {};
    if (typeof call.name !== 'string') return null;
    return { name: call.name, text: typeof value === 'string' ? value : JSON.stringify(value) };
  } catch {
    return null;
  }
}

/** Length of the longest end of `text` that begins the mark. */
function openEnd(text: string): number {
  for (let n = Math.min(text.length, CALL_BEGIN.length - 1); n > 0; n--) {
    if (CALL_BEGIN.startsWith(text.slice(text.length - n))) return n;
  }
  return 0;
}
