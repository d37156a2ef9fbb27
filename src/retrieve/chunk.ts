/**
 * Sections to passages: the leading blocks of a section that fit, then the next
 * ones, overlapping by whole blocks. A section that fits is one passage.
 */
import type { Block, ParsedDocument, Section } from './parse/document.ts';

export interface Chunk {
  title: string;
  heading: string;
  text: string;
  /** Range in the document's text, in UTF-16 code units. */
  start: number;
  end: number;
  tokens: Int32Array;
}

export interface Cutting {
  /** Most tokens of a passage's text. */
  maxTokens: number;
  /** Tokens that a passage may repeat of the one before. */
  overlapTokens: number;
}

export type Encode = (text: string) => Int32Array;

/** Text longer than this a token is halved unseen: no tokenizer packs prose so tightly. */
const MAX_CHARACTERS_PER_TOKEN = 16;
/** How far from the middle of a block a better place to cut it is looked for. */
const MAX_CUT_REACH = 2_000;
/** Characters encoded between two yields: some ten milliseconds of work. */
export const ENCODED_A_SLICE = 32_768;

/** What a call of the tokenizer costs beside its characters: blocks may be of one each. */
const CALL_COST = 32;

/** A block with its tokens counted, and those of the blank line that joins it to the next. */
interface Measured extends Block {
  cost: number;
}

/** The document's passages in order, slice by slice: those, if any, that each slice of work has made. */
export function* chunk(
  document: ParsedDocument,
  cutting: Cutting,
  encode: Encode,
): Generator<Chunk[]> {
  let encoded = 0;
  const counting: Encode = (text) => {
    encoded += text.length + CALL_COST;
    return encode(text);
  };
  let made: Chunk[] = [];
  const joint = jointOf(encode);
  for (const section of document.sections) {
    for (const passage of chunkSection(section, cutting, joint, counting)) {
      if (passage) made.push(passage);
      if (encoded < ENCODED_A_SLICE) continue;
      yield made;
      made = [];
      encoded = 0;
    }
  }
  yield made;
}

/** Tokens of a blank line between two blocks: two where the tokenizer has none for it. */
function jointOf(encode: Encode): number {
  return Math.max(1, encode('a\n\na').length - 2 * encode('a').length);
}

/** Yields null where it has worked without making a passage. */
function* chunkSection(
  section: Section,
  cutting: Cutting,
  joint: number,
  encode: Encode,
): Generator<Chunk | null> {
  const { title, heading } = section;
  function passage(blocks: readonly Block[]): Chunk {
    const text = blocks.map((block) => block.text).join('\n\n');
    const { start } = blocks[0]!;
    const { end } = blocks[blocks.length - 1]!;
    return { title, heading, text, start, end, tokens: encode(text) };
  }

  // Most sections are one passage: found so without encoding them block by block.
  if (charactersOf(section.blocks) <= cutting.maxTokens * MAX_CHARACTERS_PER_TOKEN) {
    const whole = passage(section.blocks);
    if (whole.tokens.length <= cutting.maxTokens) {
      yield whole;
      return;
    }
  }
  const blocks: Measured[] = [];
  for (const block of section.blocks) {
    for (const piece of pieces(block, cutting.maxTokens, joint, encode)) {
      blocks.push(piece);
      yield null;
    }
  }
  /** Where joints cost more than they were counted as: the end of the most blocks from `from` on that fit, by halving. */
  function* mostThatFit(from: number, most: number): Generator<null, number> {
    let least = from + 1;
    let end = most;
    while (least < end) {
      const middle = Math.ceil((least + end) / 2);
      const fits = passage(blocks.slice(from, middle)).tokens.length <= cutting.maxTokens;
      if (fits) least = middle;
      else end = middle - 1;
      yield null;
    }
    return least;
  }

  /** Blocks that are in some passage. */
  let done = 0;
  for (let from = 0; from < blocks.length; ) {
    let to = from;
    let total = 0;
    // The last block's joint is not there: hence its tokens more.
    while (to < blocks.length && total + blocks[to]!.cost <= cutting.maxTokens + joint) {
      total += blocks[to]!.cost;
      to++;
    }
    to = Math.max(to, from + 1);
    let made = passage(blocks.slice(from, to));
    if (made.tokens.length > cutting.maxTokens && to > from + 1) {
      to = yield* mostThatFit(from, to - 1);
      made = passage(blocks.slice(from, to));
    }
    if (to <= done) {
      // What is repeated fills a passage by itself.
      from = done;
      continue;
    }
    yield made;
    done = to;
    const counted = blocks.slice(from, to).reduce((sum, { cost }) => sum + cost, 0);
    const dearer = Math.max(1, made.tokens.length / counted);
    from = to < blocks.length ? repeatFrom(blocks, from, to, cutting, dearer) : to;
  }
}

function charactersOf(blocks: readonly Block[]): number {
  return blocks.reduce((total, block) => total + block.text.length, 0);
}

/**
 * Where the next passage starts: as far back as the overlap allows, while it still brings a new block.
 * @param dearer how many times as many tokens as were counted the blocks before have
 */
function repeatFrom(
  blocks: readonly Measured[],
  from: number,
  to: number,
  cutting: Cutting,
  dearer: number,
): number {
  let start = to;
  let repeated = 0;
  while (start - 1 > from) {
    repeated += blocks[start - 1]!.cost;
    if (repeated * dearer > cutting.overlapTokens) break;
    if ((repeated + blocks[to]!.cost) * dearer > cutting.maxTokens) break;
    start--;
  }
  return start;
}

/** The block, or its parts where it alone is larger than a passage. */
function* pieces(
  block: Block,
  maxTokens: number,
  joint: number,
  encode: Encode,
): Generator<Measured> {
  if (block.text.length <= maxTokens * MAX_CHARACTERS_PER_TOKEN) {
    const cost = encode(block.text).length + joint;
    if (cost <= maxTokens + joint || block.text.length < 2) {
      yield { ...block, cost };
      return;
    }
  }
  const cut = cutNear(block.text, Math.floor(block.text.length / 2));
  // Cleaning moves text by little within a block: offsets inside it are in proportion.
  const middle = block.start + Math.round(((block.end - block.start) * cut) / block.text.length);
  const head = { text: block.text.slice(0, cut).trimEnd(), start: block.start, end: middle };
  const tail = { text: block.text.slice(cut).replace(/^\s*\n/, ''), start: middle, end: block.end };
  for (const part of [head, tail]) {
    if (part.text.trim() !== '') yield* pieces(part, maxTokens, joint, encode);
  }
}

/** Behind a sentence: Chinese and Japanese have no space there. */
const SENTENCE_END = /[.!?]\s|[。！？｡]/g;

/** The best place to cut close to `middle`: between lines, sentences, words, in that order. */
function cutNear(text: string, middle: number): number {
  const reach = Math.min(Math.floor((text.length * 3) / 8), MAX_CUT_REACH);
  const from = middle - reach;
  const around = text.slice(from, middle + reach);
  const lines = [around.lastIndexOf('\n', reach - 1), around.indexOf('\n', reach)];
  const best =
    nearest(
      lines.filter((at) => at >= 0).map((at) => at + 1),
      reach,
    ) ??
    nearest(endsOf(around, SENTENCE_END), reach) ??
    nearest(endsOf(around, /\s/g), reach);
  if (best !== undefined && from + best > 0 && from + best < text.length) return from + best;
  // Never between the halves of a surrogate pair.
  const code = text.charCodeAt(middle);
  return code >= 0xdc00 && code <= 0xdfff && middle > 1 ? middle - 1 : middle;
}

function endsOf(text: string, boundary: RegExp): number[] {
  return Array.from(text.matchAll(boundary), (match) => match.index + match[0].length);
}

function nearest(places: readonly number[], middle: number): number | undefined {
  let best: number | undefined;
  for (const at of places) {
    if (best === undefined || Math.abs(at - middle) < Math.abs(best - middle)) best = at;
  }
  return best;
}
