/** What every parser makes of a file: one text, and the sections in it. */
import { visible } from './visible.ts';

/** A paragraph, list, table or fenced code. */
export interface Block {
  /** Cleaned for reading, without markup. */
  text: string;
  /** Range of its source in the document's text, in UTF-16 code units. */
  start: number;
  end: number;
}

/** What follows one heading, up to the next. */
export interface Section {
  title: string;
  heading: string;
  blocks: Block[];
}

/** Something of a file that no section has. */
export interface LeftOut {
  name: string;
  reason: string;
}

export interface ParsedDocument {
  /** The text that offsets count in. */
  text: string;
  sections: Section[];
  leftOut: LeftOut[];
}

/** Every passage repeats its title and heading: longer ones would crowd the text out. */
const MAX_TITLE = 80;
/**
 * Characters that are made one line, some milliseconds of work. A name, title or
 * heading of more is data, which stays as it is.
 */
const MAX_ONE_LINE = 32_768;

/** A file's name without folder and extension, as a title for what has none. */
export function titleFromName(filename: string): string {
  const base = filename
    .split(/[/\\]/)
    .pop()!
    .replace(/\.[^.]*$/, '');
  return shortTitle(base.replace(/[-_]+/g, ' ')) || filename.slice(0, MAX_TITLE);
}

/** Of a very long text its beginning decides. */
export function shortTitle(text: string): string {
  const title = oneLine(text.trimStart().slice(0, MAX_ONE_LINE));
  if (title.length <= MAX_TITLE) return title;
  // Never between the halves of a surrogate pair.
  return title
    .slice(0, MAX_TITLE)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trim();
}

/** The text with every run of white space as one space, if it is not too long for that. */
export function oneLine(text: string): string {
  if (text.length > MAX_ONE_LINE) return text.trim();
  return visible(text).replace(/\s+/g, ' ').trim();
}

/** `1 comment`, `2 comments`. */
export function counted(noun: string, count: number): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Characters of text that a file may have: its passages must fit the worker's memory beside it. */
export const MAX_TEXT = 16 * 1024 * 1024;

/** Throws `UnreadableFile` if a text of that many characters is too long. */
export function requireRoom(characters: number): void {
  if (characters > MAX_TEXT) {
    throw new UnreadableFile(
      'invalid_file',
      `the file has more than ${MAX_TEXT} characters of text: split it`,
    );
  }
}

/** The file's own fault, with the reason for its owner. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
  readonly code: 'unsupported_file' | 'invalid_file';

  constructor(code: 'unsupported_file' | 'invalid_file', message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
