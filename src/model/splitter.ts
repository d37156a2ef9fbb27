/** A step that cuts text into words before they are encoded: a library's, which gives all pieces at once or some at a time. Pure. */
import {
  ByteLevelPreTokenizer,
  DigitsPreTokenizer,
  type PreTokenizer,
  SplitPreTokenizer,
} from '@huggingface/tokenizers';

/** Characters of a batch: some milliseconds of encoding. */
const BATCH = 16_384;

export interface Splitter {
  split(text: string): readonly string[];
  /** The same pieces in the same order, a batch at a time where that can be. */
  batches(text: string): Generator<readonly string[]>;
  /** Whether every character of a text is in one of its pieces. */
  keepsAll: boolean;
}

export function splitterOf(step: PreTokenizer): Splitter {
  if (step instanceof ByteLevelPreTokenizer) {
    const { pattern, use_regex } = step;
    if (!use_regex) return { ...atOnce((text) => [text]), keepsAll: true };
    const split = (text: string) => text.match(pattern) ?? [];
    return { split, batches: byPattern(pattern, false), keepsAll: true };
  }
  const split = (text: string) => step.pre_tokenize_text(text);
  if (step instanceof DigitsPreTokenizer) {
    return { split, batches: byPattern(step.pattern, false), keepsAll: true };
  }
  if (step instanceof SplitPreTokenizer && step.pattern) {
    const { invert, behavior } = step.config;
    if (invert) return { split, batches: byPattern(step.pattern, false), keepsAll: false };
    if (behavior?.toLowerCase() !== 'removed') {
      return { split, batches: byPattern(step.pattern, true), keepsAll: true };
    }
  }
  return { ...atOnce(split), keepsAll: false };
}

function atOnce(split: (text: string) => readonly string[]) {
  return {
    split,
    *batches(text: string) {
      yield split(text);
    },
  };
}

/** @param keepsGaps whether what is between two matches is a piece too */
function byPattern({ source, flags }: RegExp, keepsGaps: boolean) {
  return function* batches(text: string): Generator<readonly string[]> {
    let pieces: string[] = [];
    let begun = 0;
    let end = 0;
    for (const { 0: match, index } of text.matchAll(new RegExp(source, flags))) {
      if (keepsGaps && index > end) pieces.push(text.slice(end, index));
      if (match !== '') pieces.push(match);
      end = index + match.length;
      if (end - begun < BATCH) continue;
      yield pieces;
      pieces = [];
      begun = end;
    }
    if (keepsGaps && end < text.length) pieces.push(text.slice(end));
    yield pieces;
  };
}
