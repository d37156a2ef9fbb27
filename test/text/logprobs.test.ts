/** Log-probabilities stay with the text they are of: what is held back or cut takes them along. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type TextModel, TextStream } from '../../src/generate/text-stream.ts';
import type { Accept } from '../../src/link/protocol/index.ts';
import { escapedText, tokenBytes } from '../../src/model/token-bytes.ts';
import { TARGET } from '../support/model-server.ts';

const EOS = 256;
/** Tokens are single bytes, the worst case for characters of several. */
const BYTES: TextModel = {
  eosIds: [EOS],
  tokenizer: { decode: (ids: number[]) => new TextDecoder().decode(Uint8Array.from(ids)) },
};
const utf8 = new TextEncoder();

/** A step that commits `tokens`; what is told of each names it. */
function accept(tokens: number[]): Accept {
  return {
    position: 0,
    tokens: Int32Array.from(tokens),
    sources: new Uint8Array(tokens.length),
    steps: 1,
    drafted: 0,
    credit: 0,
    stepMicros: 1,
    logprobs: {
      top: 1,
      committed: Float32Array.from(tokens, (token) => -token),
      topIds: Int32Array.from(tokens),
      topLogprobs: Float32Array.from(tokens, (token) => -token),
    },
  };
}

describe('of byte tokens', () => {
  const steps = (bytes: Uint8Array, sizes: number[]) => {
    const out: number[][] = [];
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = sizes[i % sizes.length]!;
      out.push([...bytes.subarray(at, at + size)]);
      at += size;
    }
    return out;
  };
  const character = fc.constantFrom('a', 'b', 'é', '漢', '👩‍🌾', '\n');
  const text = fc.array(character, { maxLength: 40 }).map((all) => all.join(''));
  const stops = fc.array(
    fc.array(character, { minLength: 1, maxLength: 4 }).map((all) => all.join('')),
    { maxLength: 3 },
  );
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

  test('those reported are the bytes of the content, at every moment', () => {
    fc.assert(
      fc.property(text, stops, sizes, (whole, stop, lengths) => {
        const stream = new TextStream(BYTES, stop);
        let content = '';
        const told: number[] = [];
        const take = (step: ReturnType<TextStream['end']>) => {
          for (const piece of step?.pieces ?? []) content += piece.text;
          for (const { token, logprob, top } of step?.logprobs ?? []) {
            expect(logprob).toBe(-token);
            expect(top).toEqual([{ token, logprob }]);
            told.push(token);
          }
          expect(told).toEqual([...utf8.encode(content)]);
        };
        for (const tokens of [...steps(utf8.encode(whole), lengths), [EOS]]) {
          take(stream.push(accept(tokens)));
          if (stream.stopped) break;
        }
        if (!stream.stopped) take(stream.end('stop'));
        const cut = Math.min(...stop.map((s) => whole.indexOf(s)).filter((at) => at >= 0));
        expect(content).toBe(whole.slice(0, cut));
      }),
    );
  });

  test('an answer that ends inside a character reports what it has', () => {
    const stream = new TextStream(BYTES, []);
    expect(stream.push(accept([0xf0, 0x9f])).logprobs).toEqual([]);
    const last = stream.end('length')!;
    expect(last.pieces).toEqual([]);
    expect(last.logprobs.map(({ token }) => token)).toEqual([0xf0, 0x9f]);
  });
});

test('a token of which a stop string leaves the beginning is reported, one that it takes whole is not', () => {
  const words = ['pears', ' and', ' plums'];
  const model: TextModel = {
    eosIds: [],
    tokenizer: { decode: (ids: number[]) => ids.map((id) => words[id]).join('') },
  };
  const stream = new TextStream(model, ['d plums']);
  const { pieces, logprobs } = stream.push(accept([0, 1, 2]));
  expect(pieces.map(({ text }) => text).join('')).toBe('pears an');
  expect(logprobs.map(({ token }) => token)).toEqual([0, 1]);
});

describe('bytes of a token', () => {
  const read = (file: string) => JSON.parse(readFileSync(join(TARGET, file), 'utf8'));
  const bundled = new Tokenizer(read('tokenizer.json'), read('tokenizer_config.json'));

  test('of a byte-level tokenizer make up any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const ids = bundled.encode(text, { add_special_tokens: false }).ids;
        const plain = ids.filter((id) => tokenBytes(bundled, id) !== null);
        fc.pre(plain.length === ids.length);
        const bytes = ids.flatMap((id) => [...tokenBytes(bundled, id)!]);
        expect(bytes).toEqual([...utf8.encode(text.toWellFormed())]);
      }),
    );
  });

  test('a special token has none, nor has an id that is no token', () => {
    expect(tokenBytes(bundled, 0)).toBeNull();
    expect(tokenBytes(bundled, 1 << 20)).toBeNull();
  });

  test('SentencePiece’s marks and byte tokens are read', () => {
    const vocab = { '<unk>': 0, '▁pear': 1, '<0xC3>': 2, '▁▁': 3 };
    const pieces = new Tokenizer(
      {
        version: '1.0',
        added_tokens: [],
        normalizer: null,
        pre_tokenizer: null,
        post_processor: null,
        decoder: {
          type: 'Sequence',
          decoders: [
            { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
            { type: 'ByteFallback' },
            { type: 'Fuse' },
          ],
        },
        model: { type: 'BPE', vocab, merges: [], unk_token: '<unk>', byte_fallback: true },
      },
      {},
    );
    expect([...tokenBytes(pieces, 1)!]).toEqual([...utf8.encode(' pear')]);
    expect([...tokenBytes(pieces, 2)!]).toEqual([0xc3]);
    expect([...tokenBytes(pieces, 3)!]).toEqual([0x20, 0x20]);
  });

  test.each([
    [[0x20, 0xf0, 0x9f], ' \\xf0\\x9f'],
    [[0x98, 0x80, 0x21], '\\x98\\x80!'],
    [[0xc3, 0xa9, 0xc3], 'é\\xc3'],
    [[0xef, 0xbb, 0xbf, 0x61], '\ufeffa'],
    [[], ''],
  ])('as text: %j', (bytes, text) => {
    expect(escapedText(Uint8Array.from(bytes))).toBe(text);
  });
});
