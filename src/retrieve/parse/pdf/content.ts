/** What a page or form draws: its operators, outside strings, comments, names and pictures. */
import { InlinePictures } from './inline-pictures.ts';
import { plain } from './names.ts';

export interface Content {
  bytes: number;
  /** States saved in each other at most. */
  deepest: number;
  /** Saved at the end. */
  left: number;
  /** What it draws by name, how often: forms, and pictures. */
  drawn: ReadonlyMap<string, number>;
}

const [OPEN, CLOSE, ESCAPE, COMMENT, NAME, LESS] = bytesOf('()\\%/<');
const [SAVE, RESTORE, B, I, D, O] = bytesOf('qQBIDo');
/** What ends a word: white space and delimiters. (PDF 32000-1, 7.2.2) */
const ENDS = new Uint8Array(256);
for (const byte of bytesOf('\0\t\n\f\r ()<>[]{}/%')) ENDS[byte] = 1;

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Throws `UnreadableFile` for pictures that can't be passed over. */
export function readContent(content: Uint8Array): Content {
  const pictures = new InlinePictures(content);
  const drawn = new Map<string, number>();
  let deepest = 0;
  let depth = 0;
  let name = '';
  /** Of the dictionary of a picture that has begun. */
  let picture = -1;

  /** Readers take `qq` for two operators: they are found anywhere in a word. Gives where to read on. */
  function readWord(at: number, end: number): number {
    if (end === at + 1 && content[at] === RESTORE) depth = Math.max(0, depth - 1);
    for (let i = at; i < end; i++) {
      const next = content[i + 1];
      if (content[i] === SAVE) deepest = Math.max(deepest, ++depth);
      else if (content[i] === B && next === I) picture = i;
      else if (content[i] === D && next === O) drawn.set(name, (drawn.get(name) ?? 0) + 1);
      else if (content[i] === I && next === D && picture >= 0) {
        const after = pictures.after(picture, i + 2);
        picture = -1;
        return after;
      }
    }
    return end;
  }

  for (let at = 0; at < content.length; ) {
    const byte = content[at]!;
    if (byte === OPEN) at = afterString(content, at);
    else if (byte === COMMENT) at = afterLine(content, at);
    else if (byte === NAME) {
      const end = afterWord(content, at + 1);
      name = plain(new TextDecoder('latin1').decode(content.subarray(at + 1, end)));
      at = end;
    } else if (byte === LESS && content[at + 1] !== LESS) at = after(content, at, 0x3e);
    else if (ENDS[byte] === 1) at++;
    else at = readWord(at, afterWord(content, at));
  }
  return { bytes: content.length, deepest, left: depth, drawn };
}

function afterWord(content: Uint8Array, at: number): number {
  let end = at;
  while (end < content.length && ENDS[content[end]!] === 0) end++;
  return end;
}

function after(content: Uint8Array, at: number, mark: number): number {
  const found = content.indexOf(mark, at);
  return found < 0 ? content.length : found + 1;
}

function afterLine(content: Uint8Array, at: number): number {
  let end = at;
  while (end < content.length && content[end] !== 10 && content[end] !== 13) end++;
  return end;
}

/** Strings hold parentheses in pairs, and escaped ones. */
function afterString(content: Uint8Array, open: number): number {
  let depth = 0;
  for (let at = open; at < content.length; at++) {
    const byte = content[at];
    if (byte === ESCAPE) at++;
    else if (byte === OPEN) depth++;
    else if (byte === CLOSE && --depth === 0) return at + 1;
  }
  return content.length;
}
