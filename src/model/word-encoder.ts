/**
 * Byte-level BPE, a word at a time. A byte-level tokenizer cuts text into words first
 * and encodes each by itself, so a word's ids are the same wherever it is; documents
 * are some thousand words over and over, and most are looked up. It gives the ids that
 * `@huggingface/tokenizers` gives, about five times faster on prose.
 */
import {
  type BPE,
  ByteLevelPreTokenizer,
  SequencePreTokenizer,
  type Tokenizer,
} from '@huggingface/tokenizers';
import { runAtOnce } from '../pause.ts';
import { BytePairMerger } from './byte-pair.ts';
import type { Merges } from './merges.ts';
import { type Splitter, splitterOf } from './splitter.ts';
import type { TokenList } from './token-list.ts';

/** Words kept; then the cache starts over, which is cheaper than tracking age. */
const MAX_WORDS = 65_536;
/** Longer ones hardly come twice. */
const MAX_CACHED_WORD = 64;
/** From so many characters on a word is merged in slices, with a merger of its own. */
const LONG_WORD = 16_384;
/** Texts up to this length are cut into words at once, which is faster. */
const LONG_TEXT = 16_384;
const BYTES = 256;

const utf8 = new TextEncoder();

export class WordEncoder {
  private readonly normalizer: Tokenizer['normalizer'];
  private readonly splitters: readonly Splitter[];
  private readonly model: BPE;
  private readonly merges: Merges;
  private readonly merger: BytePairMerger;
  /** By byte: its character in the vocabulary, and its id, below 0 where it has none. */
  private readonly characters: readonly string[];
  private readonly byteIds: Int32Array;
  /** Stands for a byte without an id; undefined: nothing does. */
  private readonly unknownId: number | undefined;
  private readonly words = new Map<string, readonly number[]>();
  private shares: Float64Array | undefined;

  /** Null for a tokenizer that is not byte-level throughout. */
  static of(tokenizer: Tokenizer, model: BPE, merges: Merges): WordEncoder | null {
    const { normalizer, pre_tokenizer: first } = tokenizer;
    const steps = first instanceof SequencePreTokenizer ? first.tokenizers : [first];
    const last = steps[steps.length - 1];
    if (!(last instanceof ByteLevelPreTokenizer) || last.add_prefix_space) return null;
    // Normalising could make an added token where there was none.
    const added = [...tokenizer.get_added_tokens_decoder().values()];
    if (normalizer !== null && added.some((token) => token.normalized)) return null;
    const splitters = steps.flatMap((step) => (step === null ? [] : [splitterOf(step)]));
    return new WordEncoder(normalizer, splitters, last.byte_encoder, model, merges);
  }

  private constructor(
    normalizer: Tokenizer['normalizer'],
    splitters: readonly Splitter[],
    characters: Record<number, string>,
    model: BPE,
    merges: Merges,
  ) {
    const { tokens_to_ids: ids, unk_token: unknown } = model;
    this.normalizer = normalizer;
    this.splitters = splitters;
    this.model = model;
    this.merges = merges;
    this.merger = new BytePairMerger(merges);
    this.characters = Array.from({ length: BYTES }, (_, byte) => characters[byte]!);
    this.byteIds = Int32Array.from(this.characters, (character) => ids.get(character) ?? -1);
    this.unknownId = unknown == null ? undefined : (ids.get(unknown) ?? model.unk_token_id);
  }

  /**
   * Pushes the ids of a text in which no added token is, as
   * `tokenizer.encode(text, {add_special_tokens: false})` gives them. O(length · log of
   * the longest word). Throws `TooManyTokens`, for most long texts before any work.
   */
  *encode(text: string, tokens: TokenList): Generator<undefined, void> {
    const normal = this.normalizer === null ? text : this.normalizer.normalize(text);
    // No text has more tokens than bytes, and no character more than three a code unit.
    if (tokens.size + 3 * normal.length > tokens.most)
      tokens.requireRoom(this.fewestTokens(normal));
    const [first, ...rest] = this.splitters;
    const isShort = normal.length <= LONG_TEXT;
    for (const batch of isShort ? [first!.split(normal)] : first!.batches(normal)) {
      let words = batch;
      for (const step of rest) words = words.flatMap((piece) => step.split(piece));
      for (const word of words) {
        if (word.length > LONG_WORD) yield* this.encodeLongWord(word, tokens);
        else for (const id of this.idsOf(word)) tokens.push(id);
      }
      if (!isShort) yield;
    }
  }

  /**
   * A lower bound: of a token of n bytes each is an n-th, and no byte is less than that
   * share in the longest token that has it. O(length), some nanoseconds a byte.
   */
  private fewestTokens(text: string): number {
    if (!this.splitters.every(({ keepsAll }) => keepsAll)) return 0;
    this.shares ??= this.leastShares();
    let sum = 0;
    for (const byte of utf8.encode(text)) sum += this.shares[byte]!;
    // Shares are rounded.
    return Math.ceil(sum * (1 - 1e-9));
  }

  private leastShares(): Float64Array {
    const longest = new Map<string, number>();
    for (const token of this.model.tokens_to_ids.keys()) {
      for (const character of token) {
        if (token.length > (longest.get(character) ?? 0)) longest.set(character, token.length);
      }
    }
    // A byte that the vocabulary lacks is left out, or is one of many that are unknown.
    return Float64Array.from(this.byteIds, (id, byte) =>
      id < 0 ? 0 : 1 / longest.get(this.characters[byte]!)!,
    );
  }

  private idsOf(word: string): readonly number[] {
    const known = this.words.get(word);
    if (known) return known;
    const ids: number[] = [];
    const bytes = utf8.encode(word);
    const whole = this.wholeWord(bytes);
    if (whole === undefined) {
      runAtOnce(this.merger.merge(this.symbolsOf(bytes), (id) => this.give(id, ids)));
    } else {
      ids.push(whole);
    }
    if (word.length <= MAX_CACHED_WORD) {
      if (this.words.size === MAX_WORDS) this.words.clear();
      this.words.set(word, ids);
    }
    return ids;
  }

  private *encodeLongWord(word: string, tokens: TokenList): Generator<undefined, void> {
    const merger = new BytePairMerger(this.merges);
    yield* merger.merge(this.symbolsOf(utf8.encode(word)), (id) => this.give(id, tokens));
  }

  private give(id: number, tokens: { push(id: number): void }): void {
    if (id >= 0) tokens.push(id);
    else if (this.unknownId !== undefined) tokens.push(this.unknownId);
  }

  private symbolsOf(bytes: Uint8Array): Int32Array {
    const symbols = new Int32Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) symbols[i] = this.byteIds[bytes[i]!]!;
    return symbols;
  }

  /** Some tokenizers look for the whole word before they merge. */
  private wholeWord(bytes: Uint8Array): number | undefined {
    if (!this.model.ignore_merges) return undefined;
    let text = '';
    for (const byte of bytes) text += this.characters[byte];
    return this.model.tokens_to_ids.get(text);
  }
}
