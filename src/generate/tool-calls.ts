/**
 * Finds calls of functions in an answer as it streams: text passes through, what
 * stands between the marks becomes a call, its arguments in the fragments they
 * come in. Takes what models write by themselves too: other white space,
 * arguments before the name, a call cut short.
 */
import { CALL_BEGIN, CALL_END } from './tools.ts';

/** What a piece of text turned out to be. */
export type CallEvent =
  | { type: 'text'; text: string }
  /** The next call begins. */
  | { type: 'call'; index: number; name: string }
  /** More of its arguments. */
  | { type: 'arguments'; index: number; text: string };

/** A call's beginning up to its arguments. */
const HEAD =
  /^\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"(?:arguments|parameters)"\s*:\s*(?=\{)/;

export class ToolCalls {
  /** Calls so far. */
  count = 0;
  private place: 'text' | 'head' | 'arguments' | 'tail' = 'text';
  private held = '';
  private readonly object = new ObjectScanner();

  /** O(length of what is held). */
  push(text: string): CallEvent[] {
    this.held += text;
    const events: CallEvent[] = [];
    while (this.take(events));
    return events;
  }

  /** What was held when the answer ended: an unfinished mark or call is text after all. */
  flush(): CallEvent[] {
    const { held, place } = this;
    this.held = '';
    if (held === '' || place === 'tail') return [];
    if (place === 'text') return this.text(held);
    return [{ type: 'text', text: CALL_BEGIN + held }];
  }

  /** Takes the next thing from what is held; false when that needs more text. */
  private take(events: CallEvent[]): boolean {
    switch (this.place) {
      case 'text': {
        const at = this.held.indexOf(CALL_BEGIN);
        const end = at < 0 ? this.held.length - openEnd(this.held) : at;
        // Behind a call, white space may lead to the next one.
        const waits = this.count > 0 && at < 0 && this.held.slice(0, end).trim() === '';
        if (!waits) events.push(...this.text(this.held.slice(0, end)));
        if (at < 0) {
          if (!waits) this.held = this.held.slice(end);
          return false;
        }
        this.held = this.held.slice(at + CALL_BEGIN.length);
        this.place = 'head';
        return true;
      }
      case 'head': {
        const head = HEAD.exec(this.held);
        if (head) {
          const name = nameOf(head[1]!);
          if (name !== null) {
            events.push({ type: 'call', index: this.count, name });
            this.held = this.held.slice(head[0].length);
            this.object.begin();
            this.place = 'arguments';
            return true;
          }
        }
        return this.takeWhole(events);
      }
      case 'arguments': {
        const length = this.object.scan(this.held);
        if (length > 0) {
          const text = this.held.slice(0, length);
          events.push({ type: 'arguments', index: this.count, text });
        }
        this.held = this.held.slice(length);
        if (!this.object.ended) return false;
        this.count++;
        this.place = 'tail';
        return true;
      }
      case 'tail': {
        const at = this.held.indexOf(CALL_END);
        if (at < 0) return false;
        this.held = this.held.slice(at + CALL_END.length);
        this.place = 'text';
        return true;
      }
    }
  }

  /** A call that does not begin as calls do: whole, once its end is there. */
  private takeWhole(events: CallEvent[]): boolean {
    const at = this.held.indexOf(CALL_END);
    if (at < 0) return false;
    const body = this.held.slice(0, at);
    const call = callOf(body);
    if (call) {
      events.push({ type: 'call', index: this.count, name: call.name });
      events.push({ type: 'arguments', index: this.count, text: call.text });
      this.count++;
    } else events.push({ type: 'text', text: CALL_BEGIN + body + CALL_END });
    this.held = this.held.slice(at + CALL_END.length);
    this.place = 'text';
    return true;
  }

  private text(text: string): CallEvent[] {
    // The line between a call and what follows it is no part of the answer's text.
    if (text === '' || (this.count > 0 && text.trim() === '')) return [];
    return [{ type: 'text', text }];
  }
}

function nameOf(quoted: string): string | null {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return null;
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

/** Finds where a JSON object ends, piece by piece. */
class ObjectScanner {
  ended = false;
  private depth = 0;
  private inString = false;
  private escaped = false;

  begin(): void {
    this.ended = false;
    this.depth = 0;
    this.inString = false;
    this.escaped = false;
  }

  /** How much of `text` belongs to the object. */
  scan(text: string): number {
    for (let i = 0; i < text.length; i++) {
      const character = text[i]!;
      if (this.escaped) this.escaped = false;
      else if (this.inString) {
        if (character === '\\') this.escaped = true;
        else if (character === '"') this.inString = false;
      } else if (character === '"') this.inString = true;
      else if (character === '{' || character === '[') this.depth++;
      else if ((character === '}' || character === ']') && --this.depth === 0) {
        this.ended = true;
        return i + 1;
      }
    }
    return text.length;
  }
}
