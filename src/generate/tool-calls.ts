/**
 * Finds calls of functions in an answer as it streams, in the forms that models
 * write them in:
 *
 * - `<tool_call>{"name", "arguments"}</tool_call>`: Hermes, Qwen;
 * - `{"name", "parameters"}`, several divided by `;` or lines: Llama 3;
 * - `<function=f>{…}</function>`: Llama 3.1;
 * - `[f(x="y"), …]`: Llama 3.2;
 * - `[{"name", "arguments"}, …]`, later `[TOOL_CALLS]f[ARGS]{…}`: Mistral;
 * - JSON in a fence or between `<tools>` and `</tools>`: Qwen2.5-Coder.
 *
 * Text passes through; arguments in JSON go out in the fragments they come in.
 * `<tool_call>` and `[TOOL_CALLS]` count anywhere, the other forms only where nothing
 * but calls came before them. All but the first count only with the name of a
 * function that was offered: anything else is text.
 */
import { DIVIDERS, MISTRAL_MARK, OPENERS, openEnd } from './call-marks.ts';
import { type CallHead, ObjectScanner, readCallHead } from './json-scanner.ts';
import { FUNCTION_END, readNamedHead } from './named-call.ts';
import { type PythonicCalls, PythonicReader } from './pythonic-calls.ts';
import { CALL_BEGIN, CALL_END } from './tools.ts';
import { wholeCall } from './whole-call.ts';

/** What a piece of text turned out to be. */
export type CallEvent =
  | { type: 'text'; text: string }
  /** The next call begins. */
  | { type: 'call'; index: number; name: string }
  /** More of its arguments. */
  | { type: 'arguments'; index: number; text: string };

/**
 * Characters that may be held while they may still become a call without marks: they are
 * looked at again with every piece. A name has 64 at most; the rest is white space and marks.
 */
const MAX_UNDECIDED = 1024;

/** A list of calls in Python's form that has begun. */
interface OpenList {
  reader: PythonicReader;
  /** Where it begins in what is held. */
  at: number;
  /** What is open around it. */
  closers: readonly string[];
}

type AnswerPart = 'start' | 'text' | 'head' | 'arguments' | 'tail';

export class ToolCalls {
  /** Calls so far. */
  private count = 0;
  /** `start`: nothing but calls has come yet. */
  private part: AnswerPart = 'start';
  private held = '';
  private marked = false;
  /** Nothing but white space has come since a call. */
  private afterCall = false;
  /** What is open around calls without marks: a list, a fence. */
  private readonly closers: string[] = [];
  /** What ends the call after its arguments: the object around them, a mark, nothing. */
  private ending: 'object' | typeof FUNCTION_END | null = 'object';
  private scanner = new ObjectScanner();
  /** Nothing else can begin where it does, so what is held waits for its end. */
  private list: OpenList | null = null;
  private readonly names: ReadonlySet<string>;

  /** @param names functions whose calls are recognised without marks */
  constructor(names: ReadonlySet<string>) {
    this.names = names;
  }

  /** O(length of `text`), and while a mark or a call's head is open of that too. */
  push(text: string): CallEvent[] {
    this.held += text;
    const events: CallEvent[] = [];
    if (this.list && !this.goOn(events, this.list, text)) return events;
    while (this.take(events));
    return events;
  }

  /** What was held when the answer ended: an unfinished mark or call is text after all. */
  flush(): CallEvent[] {
    const { held, part, count } = this;
    this.held = '';
    if (held === '' || part === 'tail' || part === 'arguments') return [];
    if (part === 'head') return [{ type: 'text', text: CALL_BEGIN + held }];
    if (part === 'start' && count > 0) {
      const rest = held.slice(this.closed(held));
      const divided = rest.slice(DIVIDERS.exec(rest)![0].length);
      // A closer may be cut, too.
      if (divided === '' || this.closers.at(-1)?.startsWith(divided)) return [];
      return this.text(rest);
    }
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
    const follows = this.count > 0 && !this.marked;
    if (follows) this.held = this.held.slice(this.closed(this.held));
    const closers = [...this.closers];
    let at = (follows ? DIVIDERS : /^\s*/).exec(this.held)![0].length;
    for (;;) {
      const rest = this.held.slice(at);
      if (rest === '') return at > MAX_UNDECIDED && this.giveUp(events);
      const opener = OPENERS.find(([one]) => rest.startsWith(one));
      const isOpen = OPENERS.some(([one]) => one !== rest && one.startsWith(rest));
      if (isOpen || this.closers.some((one) => one.startsWith(rest))) return false;
      if (!opener) break;
      if (opener[1]) closers.push(opener[1]);
      at += opener[0].length;
      at += /^\s*/.exec(this.held.slice(at))![0].length;
    }
    const list: OpenList = { reader: new PythonicReader(this.names), at, closers: [...closers] };
    const calls = list.reader.push(this.held.slice(at));
    if (typeof calls === 'object') return this.takePythonic(events, calls, list);
    if (this.held[at] === '[') {
      closers.push(']');
      at += /^\[\s*/.exec(this.held.slice(at))![0].length;
    }
    const head = this.readHead(this.held.slice(at));
    if (head === 'incomplete') {
      return this.held.length > MAX_UNDECIDED && this.giveUp(events);
    }
    if (head === 'none' && calls === 'incomplete') {
      this.list = list;
      return false;
    }
    if (head === 'none') return this.giveUp(events);
    this.marked = false;
    this.closers.splice(0, this.closers.length, ...closers);
    this.ending = this.endingOf(at);
    this.begin(events, head.name, at + head.length);
    return true;
  }

  /** A call's beginning, of a function that was offered. */
  private readHead(text: string): CallHead | 'incomplete' | 'none' {
    const inObject = readCallHead(text);
    const head = inObject === 'none' ? readNamedHead(text, this.names) : inObject;
    return typeof head === 'object' && !this.names.has(head.name) ? 'none' : head;
  }

  private endingOf(at: number): 'object' | typeof FUNCTION_END | null {
    const first = this.held[at];
    return first === '{' ? 'object' : first === '<' ? FUNCTION_END : null;
  }

  /** All that comes is text. A mark that begins no call is, too: it must not be looked at again. */
  private giveUp(events: CallEvent[]): boolean {
    this.closers.length = 0;
    this.part = 'text';
    const mark = /^\s*\[TOOL_CALLS\]/.exec(this.held)?.[0] ?? '';
    events.push(...this.text(mark));
    this.held = this.held.slice(mark.length);
    return true;
  }

  /** Reads on in an open list; false when that needs more text. */
  private goOn(events: CallEvent[], list: OpenList, text: string): boolean {
    const calls = list.reader.push(text);
    if (calls === 'incomplete') return false;
    this.list = null;
    return calls === 'none' ? this.giveUp(events) : this.takePythonic(events, calls, list);
  }

  private takePythonic(
    events: CallEvent[],
    { calls, length }: PythonicCalls,
    { at, closers }: OpenList,
  ): boolean {
    for (const call of calls) {
      events.push({ type: 'call', index: this.count, name: call.name });
      events.push({ type: 'arguments', index: this.count, text: call.arguments });
      this.endCall();
    }
    this.marked = false;
    this.closers.splice(0, this.closers.length, ...closers);
    this.held = this.held.slice(at + length);
    return true;
  }

  /** Takes from what is open what `text` closes. @returns characters of it, with dividers before them */
  private closed(text: string): number {
    for (let at = 0; ; ) {
      const next = at + DIVIDERS.exec(text.slice(at))![0].length;
      const closer = this.closers.at(-1);
      if (closer === undefined || !text.startsWith(closer, next)) return at;
      this.closers.pop();
      at = next + closer.length;
    }
  }

  private takeText(events: CallEvent[]): boolean {
    const marks = [CALL_BEGIN, MISTRAL_MARK];
    const places = marks.map((mark) => this.held.indexOf(mark)).filter((at) => at >= 0);
    if (places.length === 0) {
      const end = this.held.length - openEnd(this.held, marks);
      events.push(...this.text(this.held.slice(0, end)));
      this.held = this.held.slice(end);
      return false;
    }
    const at = Math.min(...places);
    events.push(...this.text(this.held.slice(0, at)));
    const marked = this.held.startsWith(CALL_BEGIN, at);
    this.held = this.held.slice(at + (marked ? CALL_BEGIN.length : 0));
    this.part = marked ? 'head' : 'start';
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
    this.endCall();
    this.part = 'tail';
    // The call's own bracket is still open.
    this.scanner = new ObjectScanner(1);
    if (!this.marked && this.ending === FUNCTION_END) this.closers.push(FUNCTION_END);
    return true;
  }

  /** What follows the arguments: with marks up to the closing one, without up to the object's end. */
  private takeTail(): boolean {
    if (this.marked) {
      const at = this.held.indexOf(CALL_END);
      if (at < 0) return false;
      this.held = this.held.slice(at + CALL_END.length);
    } else if (this.ending === 'object') {
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
    const call = wholeCall(body);
    if (call) {
      events.push({ type: 'call', index: this.count, name: call.name });
      events.push({ type: 'arguments', index: this.count, text: call.text });
      this.endCall();
      this.marked = true;
    } else events.push({ type: 'text', text: CALL_BEGIN + body + CALL_END });
    this.held = this.held.slice(at + CALL_END.length);
    this.part = call ? 'start' : 'text';
    return true;
  }

  private endCall(): void {
    this.count++;
    this.afterCall = true;
  }

  private text(text: string): CallEvent[] {
    // The line between a call and the next one is no part of the answer's text.
    const blank = text.trim() === '';
    if (text === '' || (blank && this.afterCall)) return [];
    if (!blank) this.afterCall = false;
    return [{ type: 'text', text }];
  }
}
