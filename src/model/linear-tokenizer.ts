/**
 * `@huggingface/tokenizers` without what takes too long for hostile text: Unicode's
 * normal forms, which are quadratic in a run of marks, and byte-pair merging, which
 * takes tens of microseconds a character of an unbroken word. The ids are the same.
 */
import {
  BertNormalizer,
  BPE,
  MetaspacePreTokenizer,
  NFCNormalizer,
  NFDNormalizer,
  NFKCNormalizer,
  NFKDNormalizer,
  type Normalizer,
  PrependNormalizer,
  ReplaceNormalizer,
  SequenceNormalizer,
  Tokenizer,
} from '@huggingface/tokenizers';
import { runAtOnce } from '../pause.ts';
import { BytePairMerger } from './byte-pair.ts';
import { Merges } from './merges.ts';
import { normalise } from './unicode-normalise.ts';
import { WordEncoder } from './word-encoder.ts';

/**
 * Where a text is: SentencePiece's tokenizers put `▁` before one that begins there, at
 * the `start` of all, or `behind` a special token as well; inside of a text they don't.
 */
export type TextPlace = 'start' | 'behind' | 'inside';

export interface LinearTokenizer {
  tokenizer: Tokenizer;
  /** The same by where a text is: with and without what SentencePiece's put before one. */
  at: Record<TextPlace, Tokenizer>;
  /** What is faster still; null for a tokenizer that is not byte-level. */
  words: WordEncoder | null;
  /** A lower bound of a text's tokens, without making them; 0 where there is none to be had. */
  fewestTokens(text: string): number;
}

/** Throws what the library throws for files that it can't read. */
export function linearTokenizer(tokenizerJson: object, config: object): LinearTokenizer {
  const tokenizer = new Tokenizer(tokenizerJson, config);
  if (tokenizer.normalizer !== null) makeLinear(tokenizer.normalizer);
  const at = byPlace(tokenizer, tokenizerJson, config);
  const { model } = tokenizer;
  // What marks the ends of words merges them by other rules.
  if (!(model instanceof BPE) || model.end_of_word_suffix || model.continuing_subword_suffix) {
    return { tokenizer, at, words: null, fewestTokens: () => 0 };
  }
  const merges = new Merges(model);
  const merger = new BytePairMerger(merges);
  model.bpe = (word) => merged(word, model, merger);
  const words = WordEncoder.of(tokenizer, model, merges);
  return { tokenizer, at, words, fewestTokens: fewestTokensOf(tokenizer, model) };
}

/** As much of a normaliser or a pre-tokenizer in tokenizer.json as says what is put before a text. */
interface Step {
  type?: string;
  prepend_scheme?: string;
  add_prefix_space?: boolean;
  normalizers?: (Step | null)[];
  pretokenizers?: (Step | null)[];
}

/**
 * A normaliser that prepends does so after every special token, a Metaspace of the
 * scheme "first" at the start of a text only; inside of a text neither does. All three
 * share one model, which is what takes memory.
 */
function byPlace(tokenizer: Tokenizer, json: object, config: object): Record<TextPlace, Tokenizer> {
  const { normalizer, pre_tokenizer } = json as Record<string, Step | null>;
  const steps = { normalizer: unprefixed(normalizer), pre_tokenizer: unprefixed(pre_tokenizer) };
  const model = { type: 'BPE', vocab: {}, merges: [] };
  const bare = new Tokenizer({ ...json, ...steps, model, added_tokens: [] }, config);
  if (bare.normalizer !== null) makeLinear(bare.normalizer);
  const inside = Object.assign(Object.create(tokenizer) as Tokenizer, {
    normalizer: bare.normalizer,
    pre_tokenizer: bare.pre_tokenizer,
  });
  const isFirst = JSON.stringify(pre_tokenizer ?? null).includes('"prepend_scheme":"first"');
  const behind = Object.assign(Object.create(tokenizer) as Tokenizer, {
    pre_tokenizer: isFirst ? bare.pre_tokenizer : tokenizer.pre_tokenizer,
  });
  return { start: tokenizer, behind, inside };
}

/** The step without what it puts before a text; null where that is all it does. */
function unprefixed(step: Step | null | undefined): Step | null {
  if (!step || step.type === 'Prepend') return null;
  const kept = (steps: (Step | null)[]) => steps.map(unprefixed).filter((one) => one !== null);
  if (step.normalizers) return { ...step, normalizers: kept(step.normalizers) };
  if (step.pretokenizers) return { ...step, pretokenizers: kept(step.pretokenizers) };
  if (step.type !== 'Metaspace') return step;
  return { ...step, prepend_scheme: 'never', add_prefix_space: false };
}

/** By the longest token's characters, for tokenizers in which no token can stand for more. */
function fewestTokensOf({ normalizer, pre_tokenizer }: Tokenizer, model: BPE) {
  const keepsAll = pre_tokenizer === null || pre_tokenizer instanceof MetaspacePreTokenizer;
  if (!keepsAll || !model.byte_fallback || !neverShortens(normalizer)) return () => 0;
  let longest = 1;
  for (const token of model.tokens_to_ids.keys()) longest = Math.max(longest, token.length);
  // Of a character outside the basic plane both code units may be in one token, longer or not.
  return (text: string) => Math.ceil(text.length / Math.max(2, longest));
}

function neverShortens(normalizer: Normalizer | null): boolean {
  if (normalizer === null || normalizer instanceof PrependNormalizer) return true;
  if (normalizer instanceof SequenceNormalizer) return normalizer.normalizers.every(neverShortens);
  if (!(normalizer instanceof ReplaceNormalizer)) return false;
  const { pattern, content } = normalizer.config;
  return pattern?.String !== undefined && content.length >= pattern.String.length;
}

function makeLinear(normalizer: Normalizer): void {
  if (normalizer instanceof SequenceNormalizer) {
    for (const step of normalizer.normalizers) if (step) makeLinear(step);
  } else if (normalizer instanceof BertNormalizer) {
    normalizer.strip_accents = (text) => normalise(text, 'NFD').replace(/\p{Mn}/gu, '');
  } else if (
    normalizer instanceof NFCNormalizer ||
    normalizer instanceof NFDNormalizer ||
    normalizer instanceof NFKCNormalizer ||
    normalizer instanceof NFKDNormalizer
  ) {
    const { form } = normalizer;
    normalizer.normalize = (text) => normalise(text, form);
  }
}

/** The tokens of a word, as text; a character that the vocabulary lacks is one of its own. */
function merged(word: string, { tokens_to_ids, vocab }: BPE, merger: BytePairMerger): string[] {
  const characters = Array.from(word);
  // Below 0: the character's place, from the end of its range.
  const symbols = Int32Array.from(characters, (one, i) => tokens_to_ids.get(one) ?? -1 - i);
  const tokens: string[] = [];
  runAtOnce(
    merger.merge(symbols, (id) => {
      tokens.push(id < 0 ? characters[-1 - id]! : vocab[id]!);
    }),
  );
  return tokens;
}
