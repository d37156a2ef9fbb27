/**
 * A document whole, in parts: cut between blocks, nothing repeated, nothing left
 * out, so that the parts' tokens, one after another, are the document's.
 */
import { chunk, type Encode } from './chunk.ts';
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
 * blank lines that follow it, or before the space between two words, where
 * pre-tokenizers split anyway: the ids are those of the text encoded at once.
 */
export function partsOf(document: ParsedDocument, maxTokens: number, encode: Encode): Part[] {
  const { text } = document;
  const passages = [...chunk(document, { maxTokens, overlapTokens: 0 }, encode)];
  let from = 0;
  return passages.map(({ title, heading, text: cleaned, start, end }, i) => {
    const isLast = i === passages.length - 1;
    const until = isLast ? text.length : cutNear(text, from, end);
    const tokens = encode(text.slice(from, until));
    from = until;
    return { title, heading, text: cleaned, start, end, tokens };
  });
}

const BLANK_LINES = /\s*\n/y;

/** The passage's own end may lie inside a word, where its block was too large and had to be cut. */
function cutNear(text: string, from: number, end: number): number {
  BLANK_LINES.lastIndex = end;
  if (BLANK_LINES.test(text)) return BLANK_LINES.lastIndex;
  for (let at = end; at > from; at--) {
    if (text[at - 1] === '\n') return at;
    if (text[at] === ' ') return at;
  }
  return Math.max(from, end);
}
