/**
 * How deep pages save their drawing state. The reader looks every setting up
 * through all saved states: some thousands in each other take it seconds.
 */
import { UnreadableFile } from '../document.ts';

/** States saved in each other: honest pages save 28 at most. (PDF 32000-1, annex C) */
const MAX_SAVED = 32;
/** What a form that draws others usually saves, and what all of them may save beyond it. */
const USUAL = 2;
const MAX_UNUSUAL = 500;

interface Depths {
  deepest: number;
  /** Saved at the end. */
  left: number;
  /** Whether it draws forms. */
  draws: boolean;
}

export class SavedStates {
  private readonly left = new Map<number, number>();
  private unusual = 0;

  /** Throws `UnreadableFile` where the content nests too deep. */
  add(object: number, content: Uint8Array): void {
    const { deepest, left, draws } = depthsOf(content);
    this.left.set(object, left);
    if (draws) this.unusual += Math.max(0, deepest - USUAL);
    if (deepest > MAX_SAVED || this.unusual > MAX_UNUSUAL) throw tooDeep();
  }

  /** Throws `UnreadableFile` where the contents that one page draws, after each other, do. */
  requireShallow(contents: readonly number[]): void {
    const left = contents.reduce((sum, object) => sum + (this.left.get(object) ?? 0), 0);
    if (left > MAX_SAVED) throw tooDeep();
  }
}

function tooDeep(): UnreadableFile {
  return new UnreadableFile(
    'invalid_file',
    `the PDF saves its drawing state more than ${MAX_SAVED} times over: print it to a new PDF`,
  );
}

const [OPEN, CLOSE, ESCAPE, COMMENT, NAME, LESS] = bytesOf('()\\%/<');
const [SAVE, RESTORE, I, D, E, O] = bytesOf('qQIDEo');
/** What ends a word: white space and delimiters. (PDF 32000-1, 7.2.2) */
const ENDS = new Uint8Array(256);
for (const byte of bytesOf('\0\t\n\f\r ()<>[]{}/%')) ENDS[byte] = 1;

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Counts operators `q` and `Q` outside strings, comments, names and pictures. */
function depthsOf(content: Uint8Array): Depths {
  let draws = false;
  let deepest = 0;
  let depth = 0;
  for (let at = 0; at < content.length; ) {
    const byte = content[at]!;
    if (byte === OPEN) at = afterString(content, at);
    else if (byte === COMMENT) at = afterLine(content, at);
    else if (byte === NAME) at = afterWord(content, at + 1);
    else if (byte === LESS && content[at + 1] !== LESS) at = after(content, at, 0x3e);
    else if (ENDS[byte] === 1) at++;
    else {
      const end = afterWord(content, at);
      if (byte === RESTORE && end === at + 1) depth = Math.max(0, depth - 1);
      // Readers take `qq` for two operators, and no other has that letter.
      else for (let i = at; i < end; i++) if (content[i] === SAVE) depth++;
      deepest = Math.max(deepest, depth);
      draws ||= byte === D && content[at + 1] === O;
      const isPicture = byte === I && content[at + 1] === D && end === at + 2;
      at = isPicture ? afterPicture(content, end) : end;
    }
  }
  return { deepest, left: depth, draws };
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

/** Behind the operator that ends a picture's bytes. */
function afterPicture(content: Uint8Array, data: number): number {
  for (let at = content.indexOf(E!, data); at >= 0; at = content.indexOf(E!, at + 1)) {
    const isWord = ENDS[content[at - 1]!] === 1 && (ENDS[content[at + 2] ?? 10] ?? 1) === 1;
    if (content[at + 1] === I && isWord) return at + 2;
  }
  return data;
}
