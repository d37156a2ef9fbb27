/**
 * A document whole, in parts: cut between blocks, nothing repeated, nothing left
 * out, so that the parts' tokens, one after another, are the document's.
 */
import { pause } from '../pause.ts';
import { type Chunk, chunk, type Encode } from './chunk.ts';
import type { ParsedDocument } from './parse/document.ts';

export interface Part {
  title: string;
  heading: string;
  /** As a passage: cleaned for reading, without the heading. */
  text: string;
  /** Range of that passage in the document's text, in UTF-16 code units. */
  start: number;
  end: number;
  /** Of all that is between the part before and the next one, headings and markup too. */
  tokens: Int32Array;
}

/**
 * Parts of at most `maxTokens`, by their cleaned text. A part ends after the
 * blank lines that follow it, or before the last space between two words, where
 * pre-tokenizers split anyway: the ids are those of the text encoded at once. In
 * slices, between which others are served.
 */
export async function partsOf(
  document: ParsedDocument,
  maxTokens: number,
  encode: Encode,
): Promise<Part[]> {
  const { text } = document;
  const parts: Part[] = [];
  let before: Chunk | undefined;
  let from = 0;
  function end(passage: Chunk, until: number): void {
    const { title, heading, text: cleaned, start, end } = passage;
    const tokens = encode(text.slice(from, until));
    parts.push({ title, heading, text: cleaned, start, end, tokens });
    from = until;
  }
  for (const passages of chunk(document, { maxTokens, overlapTokens: 0 }, encode)) {
    for (const passage of passages) {
      if (before) end(before, cutNear(text, from, before.end));
      before = passage;
    }
    await pause();
  }
  if (before) end(before, text.length);
  return parts;
}

/** Blank lines, and of the next one's indent all but its last character, which belongs to the word behind it. */
const BLANK_LINES = /\s*\n(?:[^\S\n]*(?=[^\S\n]\S))?/y;

/** The passage's own end may lie inside a word, where its block was too large and had to be cut. */
function cutNear(text: string, from: number, end: number): number {
  BLANK_LINES.lastIndex = end;
  if (BLANK_LINES.test(text)) return BLANK_LINES.lastIndex;
  for (let at = end; at > from; at--) {
    // Pre-tokenizers take a run of spaces but for its last, which goes with the word.
    const begins = at + 1 < text.length && text[at + 1]!.trim() !== '';
    if (text[at] === ' ' && begins) return at;
    if (text[at - 1] === '\n' && text[at]?.trim() !== '') return at;
  }
  return Math.max(from, end);
}
