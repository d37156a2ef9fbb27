/** The ids of our own tokenization are the library's, for any vocabulary and any text, however long its words. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTokenizer } from '../../src/model/tokenizer.ts';
import { TARGET } from '../support/model-server.ts';

const read = (file: string) => JSON.parse(readFileSync(join(TARGET, file), 'utf8'));
const bundled = read('tokenizer.json');
const config = read('tokenizer_config.json');

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
/** As Qwen2 cuts text, and after it most. */
const WORDS =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

function sequence(...steps: object[]) {
  return { type: 'Sequence', pretokenizers: [...steps, { ...byteLevel, use_regex: false }] };
}

const split = { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Isolated', invert: false };
const digits = { type: 'Digits', individual_digits: true };

/** The bundled vocabulary, with the parts that other models' tokenizers have. */
const KINDS: Record<string, object> = {
  bundled,
  'with digits apart': {
    ...bundled,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [digits, { ...byteLevel, use_regex: true }],
    },
  },
  'normalised and cut by a pattern': {
    ...bundled,
    normalizer: { type: 'NFC' },
    pre_tokenizer: sequence(split),
  },
  'whose pattern removes': {
    ...bundled,
    pre_tokenizer: sequence({ ...split, pattern: { Regex: '[aeiou ]' }, behavior: 'Removed' }),
  },
  'whose pattern keeps': {
    ...bundled,
    pre_tokenizer: sequence({ ...split, pattern: { Regex: '\\p{L}+|\\p{N}{1,4}' }, invert: true }),
  },
  'that looks for whole words first': {
    ...bundled,
    model: { ...bundled.model, ignore_merges: true },
  },
  'without some bytes': withoutBytes('e', 'Ġ'),
  'without some bytes, and a token for them': {
    ...withoutBytes('e', 'Ġ'),
    model: { ...withoutBytes('e', 'Ġ').model, unk_token: '<|endoftext|>' },
  },
  'whose added tokens take in the space around them': {
    ...bundled,
    added_tokens: bundled.added_tokens.map((token: object) => ({ ...token, lstrip: true })),
  },
  'with a prefix space': { ...bundled, pre_tokenizer: { ...byteLevel, add_prefix_space: true } },
  'by characters': byCharacters(),
};

function withoutBytes(...gone: string[]) {
  const has = (token: string) => gone.some((byte) => token.includes(byte));
  const vocab = Object.entries(bundled.model.vocab).filter(([token]) => !has(token));
  const merges = bundled.model.merges.filter((merge: string[] | string) => !has(String(merge)));
  return { ...bundled, model: { ...bundled.model, vocab: Object.fromEntries(vocab), merges } };
}

/** As SentencePiece makes them: characters, bytes for those that it lacks, and `▁` for a space. */
function byCharacters() {
  const vocab = new Map<string, number>([['<unk>', 0]]);
  const add = (token: string) => {
    if (!vocab.has(token)) vocab.set(token, vocab.size);
  };
  for (let byte = 0; byte < 256; byte++) {
    add(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  }
  for (const character of '▁abcdefghijklmnopqrstuvwxyzé漢字👩') add(character);
  const merges = ['▁ t', '▁t h', '▁th e', 'i n', 'in g', 'a a', 'aa aa', '▁ ▁', '▁▁ ▁▁', '漢 字'];
  for (const merge of merges) add(merge.replace(' ', ''));
  return {
    added_tokens: bundled.added_tokens.map((token: object, i: number) => ({
      ...token,
      id: vocab.size + i,
    })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: {
      ...{ type: 'BPE', unk_token: '<unk>', byte_fallback: true, fuse_unk: true },
      ...{ vocab: Object.fromEntries(vocab), merges },
    },
  };
}

const pieces = [
  ...[
    '<|endoftext|>',
    '<|im_start|>',
    '<|',
    "'s",
    '  ',
    '\n\n',
    ' the',
    'é',
    '漢字',
    '👩‍🌾',
    'aaaa',
  ],
  ...['\ud800', '\udc00', 'e\u0301\u0316', '1234567', '\r\n', '\t', '﷽', '<|im_end|>', 'ing', '▁'],
];
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constantFrom(...pieces),
      fc.tuple(fc.constantFrom(...pieces, 'a', ' '), fc.nat(70)).map(([one, n]) => one.repeat(n)),
    ),
    { maxLength: 12 },
  )
  .map((some) => some.join(''));

/** Long words and long texts, of which the library makes ids in seconds. */
const LONG = {
  'random letters': randomBytes(15_000).toString('base64'),
  'one letter': 'a'.repeat(20_000),
  spaces: ' '.repeat(8_000),
  'two letters in turn': 'ab'.repeat(10_000),
  'marks in turn': `e${'\u0301\u0316'.repeat(3_000)}`,
  'random bytes': randomBytes(20_000).toString('latin1'),
  'half pairs': '\ud83d'.repeat(5_000),
  prose: readFileSync('docs/engine.md', 'utf8'),
};

describe.each(Object.entries(KINDS))('a tokenizer %s', (_, json) => {
  const library = new Tokenizer(json, config);
  const ours = createTokenizer(json, config);
  const expected = (input: string) => library.encode(input, { add_special_tokens: false }).ids;

  test('gives the library’s ids', () => {
    fc.assert(
      fc.property(text, (input) => {
        expect([...ours.encode(input)]).toEqual(expected(input));
        expect(ours.tokenizer.encode(input).ids).toEqual(library.encode(input).ids);
      }),
    );
  });

  test.each(Object.entries(LONG))('gives them for %s, at once and in slices', async (_, input) => {
    const ids = expected(input);
    expect([...ours.encode(input)]).toEqual(ids);
    expect([...(await ours.encodePrompt(input, ids.length))].slice(-ids.length)).toEqual(ids);
  });

  test('refuses what has more tokens than are asked for, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.nat(40), async (input, most) => {
        const ids = [...ours.encodeUntrusted(input)];
        const given = ours.encodeRendered(ours.neutralise(input), most, true);
        if (ids.length > most)
          await expect(given).rejects.toThrow(/at least \d+ tokens, more than/);
        else expect([...(await given)]).toEqual(ids);
      }),
    );
  });
});

test('merging by any list of merges is the library’s', () => {
  const symbol = fc.constantFrom('a', 'b', 'c');
  const merge = fc.tuple(
    fc.array(symbol, { minLength: 1, maxLength: 3 }),
    fc.array(symbol, { minLength: 1, maxLength: 3 }),
  );
  const merges = fc.array(
    merge.map((sides) => sides.map((side) => side.join(''))),
    { maxLength: 12 },
  );
  const word = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 60 });
  fc.assert(
    fc.property(merges, word, (pairs, letters) => {
      const tokens = ['a', 'b', 'c', ...pairs.flat(), ...pairs.map((pair) => pair.join(''))];
      const vocab = Object.fromEntries([...new Set(tokens)].map((token, id) => [token, id]));
      const model = { type: 'BPE', vocab, merges: pairs, unk_token: null, byte_fallback: false };
      const json = { ...bundled, added_tokens: [], pre_tokenizer: null, model };
      const input = letters.join('');
      const { ids } = new Tokenizer(json, {}).encode(input);
      expect([...createTokenizer(json, config).encode(input)]).toEqual(ids);
    }),
    { numRuns: 300 },
  );
});

test('megabytes without a space are tokenized, or refused before they are', async () => {
  const { encode, encodeRendered } = createTokenizer(bundled, config);
  // The library takes a minute for each of the first two, and more memory than there is for the third.
  expect(encode('a'.repeat(2_000_000)).length).toBe(1_000_000);
  expect(encode(' '.repeat(2_000_000)).length).toBe(62_500);
  expect(encode(randomBytes(1_500_000).toString('base64')).length).toBeGreaterThan(1_500_000);
  for (const input of ['a', ' ', 'ab', 'é', '<|']) {
    const long = encodeRendered(input.repeat(2_000_000), 32_768, true);
    await expect(long).rejects.toMatchObject({ name: 'TooManyTokens', most: 32_768 });
  }
});
