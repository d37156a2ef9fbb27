/** What every parser makes of a file: one text, and the sections in it. */

/** A paragraph, list, table or fenced code. */
export interface Block {
  /** Cleaned for reading: markup that says nothing to a reader is gone. */
  text: string;
  /** Range of its source in the document's text, in UTF-16 code units. */
  start: number;
  end: number;
}

/** What stands under one heading, down to the next. */
export interface Section {
  title: string;
  heading: string;
  blocks: Block[];
}

export interface ParsedDocument {
  /** The text that offsets count in. */
  text: string;
  sections: Section[];
  /** Of an archive: members left out, and why. */
  skipped?: { name: string; reason: string }[];
}

/** Titles are carried by every passage: a long one would crowd the text out. */
const MAX_TITLE = 80;

/** A file's name without folder and extension, as a title for what has none. */
export function titleFromName(filename: string): string {
  const base = filename
    .split(/[/\\]/)
    .pop()!
    .replace(/\.[^.]*$/, '');
  return shortTitle(base.replace(/[-_]+/g, ' ')) || filename.slice(0, MAX_TITLE);
}

export function shortTitle(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, MAX_TITLE).trim();
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
