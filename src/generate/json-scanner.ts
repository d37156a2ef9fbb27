/** Reading JSON that comes in pieces, without waiting for its end. */

/** Finds where an object ends, piece by piece. */
export class ObjectScanner {
  ended = false;
  private depth: number;
  private inString = false;
  private escaped = false;

  /** @param depth brackets that are open already */
  constructor(depth = 0) {
    this.depth = depth;
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

/** A call's beginning, up to its arguments. */
export interface CallHead {
  name: string;
  /** Characters before the arguments' first bracket. */
  length: number;
}

/** Longer names are none: OpenAI's limit. */
const MAX_NAME = 64;

/**
 * Reads `{"name": "f", "arguments": ` and its variants: `parameters` (Llama 3), and
 * a `"type": "function"` before the name. `incomplete`: more text may make it one.
 */
export function readCallHead(text: string): CallHead | 'incomplete' | 'none' {
  const reader = new HeadReader(text);
  if (reader.take('{') && reader.take('"type"', true)) {
    reader.take(':') && reader.take('"function"') && reader.take(',');
  }
  reader.take('"name"');
  reader.take(':');
  const name = reader.takeString();
  reader.take(',');
  if (!reader.take('"arguments"', true)) reader.take('"parameters"');
  reader.take(':');
  reader.take('{');
  return reader.failure ?? { name, length: reader.at - 1 };
}

/** Stops at the first thing that is not there. */
class HeadReader {
  at = 0;
  failure: 'incomplete' | 'none' | null = null;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Whether `word` comes next, white space aside. @param optional whether anything else may */
  take(word: string, optional = false): boolean {
    if (this.failure) return false;
    this.skipSpace();
    const rest = this.text.slice(this.at, this.at + word.length);
    if (rest === word) {
      this.at += word.length;
      return true;
    }
    if (word.startsWith(rest)) this.failure = 'incomplete';
    else if (!optional) this.failure = 'none';
    return false;
  }

  takeString(): string {
    if (!this.take('"')) return '';
    const end = this.text.indexOf('"', this.at);
    if (end < 0 || end - this.at > MAX_NAME) {
      this.failure = this.text.length - this.at > MAX_NAME ? 'none' : 'incomplete';
      return '';
    }
    const name = this.text.slice(this.at, end);
    this.at = end + 1;
    return name;
  }

  private skipSpace(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }
}
