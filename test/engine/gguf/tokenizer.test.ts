/**
 * Tokenizers made of GGUF metadata give the ids that the reference libraries give
 * with the models' own tokenizer.json, on 1,000 texts of many scripts.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readGguf } from '../../../gpu-backend/builder/gguf/gguf-file.ts';
import type { MetadataValue } from '../../../gpu-backend/builder/gguf/header.ts';
import { Metadata } from '../../../gpu-backend/builder/gguf/metadata.ts';
import {
  generationConfig,
  tokenizerConfig,
  tokenizerJson,
} from '../../../gpu-backend/builder/gguf/tokenizer.ts';
import { createTokenizer, type ModelTokenizer } from '../../../src/model/tokenizer.ts';
import { NO_MODEL } from '../../support/real-model.ts';
import { realGguf } from '../models.ts';

interface Golden {
  byteLevel: { tokens: string[]; merges: string[]; ids: Record<string, string[]> };
  sentencePiece: { tokens: string[]; scores: number[]; kinds: number[]; ids: string[] };
  real: Record<'smollm2' | 'qwen2', string[]>;
}

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8'));
const texts: string[] = fixture('texts');
const golden: Golden = fixture('tokenizers');

const BASE: Record<string, MetadataValue> = {
  'general.architecture': 'llama',
  'llama.context_length': 512,
  'tokenizer.chat_template': '{{ bos_token }}{{ messages[0].content }}{{ eos_token }}',
};
const { byteLevel, sentencePiece } = golden;
const bytePieces = (pre: string | undefined, extra: Record<string, MetadataValue> = {}) => ({
  ...BASE,
  'tokenizer.ggml.model': 'gpt2',
  ...(pre === undefined ? {} : { 'tokenizer.ggml.pre': pre }),
  'tokenizer.ggml.tokens': byteLevel.tokens,
  'tokenizer.ggml.token_type': byteLevel.tokens.map(() => 1),
  'tokenizer.ggml.merges': byteLevel.merges,
  ...extra,
});
const scoredPieces = (extra: Record<string, MetadataValue> = {}) => ({
  ...BASE,
  'tokenizer.ggml.model': 'llama',
  'tokenizer.ggml.tokens': sentencePiece.tokens,
  'tokenizer.ggml.scores': sentencePiece.scores,
  'tokenizer.ggml.token_type': sentencePiece.kinds,
  'tokenizer.ggml.bos_token_id': 1,
  'tokenizer.ggml.eos_token_id': 2,
  'tokenizer.ggml.unknown_token_id': 0,
  ...extra,
});
const metadataOf = (values: Record<string, MetadataValue>) =>
  new Metadata(new Map(Object.entries(values)));

function tokenizerOf(metadata: Metadata): ModelTokenizer {
  return createTokenizer(tokenizerJson(metadata), tokenizerConfig(metadata));
}

/** As make_tokenizers.py keeps ids. */
function digest(ids: Int32Array): string {
  const bytes = new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);
  return createHash('sha256').update(bytes).digest('hex').slice(0, 8);
}

/** Texts whose ids are not the reference's. */
function differing(tokenizer: ModelTokenizer, expected: readonly string[]): string[] {
  return texts.filter((text, i) => digest(tokenizer.encode(text)) !== expected[i]);
}

describe('ids equal the reference’s on every text', () => {
  it.each(Object.keys(byteLevel.ids))('with the pre-tokenizer %s', (pre) => {
    const tokenizer = tokenizerOf(metadataOf(bytePieces(pre)));
    expect(differing(tokenizer, byteLevel.ids[pre]!)).toEqual([]);
  });

  it('with SentencePiece’s scores and bytes', () => {
    const tokenizer = tokenizerOf(metadataOf(scoredPieces()));
    expect(differing(tokenizer, sentencePiece.ids)).toEqual([]);
  });

  it.skipIf(!realGguf('smollm'))(`with the real vocabulary of SmolLM2${NO_MODEL}`, () => {
    const tokenizer = tokenizerOf(readGguf(realGguf('smollm')!).metadata);
    expect(differing(tokenizer, golden.real.smollm2)).toEqual([]);
  });

  it.skipIf(!realGguf('qwen2'))(`with the real vocabulary of Qwen2.5${NO_MODEL}`, () => {
    const tokenizer = tokenizerOf(readGguf(realGguf('qwen2')!).metadata);
    expect(differing(tokenizer, golden.real.qwen2)).toEqual([]);
  });
});

describe('a tokenizer', () => {
  const decoded = (tokenizer: ModelTokenizer, text: string) =>
    tokenizer.tokenizer.decode([...tokenizer.encode(text)], { skip_special_tokens: true });
  const sound = texts.filter((text) => text.isWellFormed());

  it('of bytes gives texts back', () => {
    const tokenizer = tokenizerOf(metadataOf(bytePieces('llama-bpe')));
    for (const text of sound) expect(decoded(tokenizer, text)).toBe(text);
  });

  it('of pieces gives texts back, less the space put before', () => {
    const tokenizer = tokenizerOf(metadataOf(scoredPieces()));
    for (const text of sound) expect(decoded(tokenizer, text)).toBe(text);
  });

  it('puts BOS before a prompt and not before a text', async () => {
    const tokenizer = tokenizerOf(metadataOf(scoredPieces()));
    const bare = [...tokenizer.encode('hello')];
    expect([...(await tokenizer.encodePrompt('hello', 16))]).toEqual([1, ...bare]);
    const without = metadataOf(scoredPieces({ 'tokenizer.ggml.add_bos_token': false }));
    expect([...(await tokenizerOf(without).encodePrompt('hello', 16))]).toEqual(bare);
  });

  it('puts no space before a text where the file says so', () => {
    const tokenizer = tokenizerOf(
      metadataOf(scoredPieces({ 'tokenizer.ggml.add_space_prefix': false })),
    );
    expect(tokenizer.tokenizer.id_to_token(tokenizer.encode('The')[0]!)).not.toMatch(/^▁/);
    expect(decoded(tokenizer, ' The')).toBe(' The');
  });

  it('knows special tokens, and those that are not, by their kinds', () => {
    const tokenizer = tokenizerOf(metadataOf(scoredPieces()));
    const tool = sentencePiece.tokens.indexOf('<tool>');
    expect([...tokenizer.encode('<s>')]).toEqual([1]);
    expect([...tokenizer.encode('<tool>')]).toEqual([tool]);
    expect([...tokenizer.encodeUntrusted('<s>')]).not.toContain(1);
    expect([...tokenizer.encodeUntrusted('<tool>')]).toContain(tool);
  });

  it('takes SentencePiece’s own ids where the file names none, and none where it says so', () => {
    const { 'tokenizer.ggml.bos_token_id': _, ...nameless } = scoredPieces();
    expect(tokenizerConfig(metadataOf(nameless))).toMatchObject({ bos_token: '<s>' });
    for (const none of [-1, 2 ** 32 - 1]) {
      const metadata = metadataOf(scoredPieces({ 'tokenizer.ggml.padding_token_id': none }));
      expect(tokenizerConfig(metadata)).toMatchObject({ pad_token: null, eos_token: '</s>' });
    }
  });

  it('has no unused tokens', () => {
    const kinds = byteLevel.tokens.map((_, id) => (id === 500 ? 5 : 1));
    const tokenizer = tokenizerOf(
      metadataOf(bytePieces('gpt-2', { 'tokenizer.ggml.token_type': kinds })),
    );
    expect(tokenizer.hasToken(499)).toBe(true);
    expect(tokenizer.hasToken(500)).toBe(false);
  });

  it('may have tokens that look like properties, and tokens without a text', () => {
    const tokens = byteLevel.tokens.with(600, '__proto__').with(601, '').with(602, '');
    const tokenizer = tokenizerOf(
      metadataOf(bytePieces('llama-bpe', { 'tokenizer.ggml.tokens': tokens })),
    );
    expect(tokenizer.tokenizer.id_to_token(600)).toBe('__proto__');
    expect(tokenizer.tokenizer.id_to_token(602)).toBe('[EMPTY_602]');
  });

  it('renders the file’s chat template with its special tokens', () => {
    const tokenizer = tokenizerOf(metadataOf(scoredPieces()));
    expect(tokenizer.renderChat([{ role: 'user', content: 'hi' }])).toBe('<s>hi</s>');
  });
});

describe('answers end', () => {
  it('with the tokens that the file names, and those known by their text', () => {
    const tokens = byteLevel.tokens
      .with(10, '<|im_end|>')
      .with(11, '<|endoftext|>')
      .with(12, '<|end|>');
    const kinds = tokens.map((_, id) => (id === 10 || id === 11 ? 3 : 1));
    const metadata = metadataOf(
      bytePieces('qwen2', {
        'tokenizer.ggml.tokens': tokens,
        'tokenizer.ggml.token_type': kinds,
        'tokenizer.ggml.eos_token_id': 10,
        'tokenizer.ggml.eot_token_id': 20,
      }),
    );
    expect(generationConfig(metadata)).toMatchObject({ eos_token_id: [10, 20, 11] });
  });
});

describe('refused by name', () => {
  const { tokens } = byteLevel;
  it.each<[string, Record<string, MetadataValue>, RegExp]>([
    ['an unknown pre-tokenizer', bytePieces('kimi-k2'), /"kimi-k2" is not supported.*qwen2/],
    ['no pre-tokenizer', bytePieces(undefined), /without tokenizer.ggml.pre.*llama-bpe/],
    ['a word-piece tokenizer', { ...BASE, 'tokenizer.ggml.model': 'bert' }, /"bert".*gpt2/],
    ['no tokenizer', BASE, /does not say "tokenizer.ggml.model"/],
    ['too few kinds', bytePieces('gpt-2', { 'tokenizer.ggml.token_type': [1] }), /1 token types/],
    ['too few scores', scoredPieces({ 'tokenizer.ggml.scores': [0] }), /but 1 scores/],
    [
      'a token twice',
      bytePieces('gpt-2', { 'tokenizer.ggml.tokens': tokens.with(1, tokens[0]!) }),
      /twice/,
    ],
    ['a merge of one', bytePieces('gpt-2', { 'tokenizer.ggml.merges': ['ab'] }), /without a space/],
    [
      'tokens that are numbers',
      bytePieces('gpt-2', { 'tokenizer.ggml.tokens': [1, 2] }),
      /array of strings/,
    ],
    [
      'a BOS outside the vocabulary',
      scoredPieces({ 'tokenizer.ggml.bos_token_id': 99_999 }),
      /bos_token_id = 99999 of 1500 tokens/,
    ],
  ])('%s', (_, values, message) => {
    expect(() => tokenizerJson(metadataOf(values))).toThrow(message);
  });
});
