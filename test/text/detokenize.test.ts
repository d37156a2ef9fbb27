/** Text comes out whole: never half a character, nothing lost, whatever the split. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Detokenizer, MAX_WAITING_TOKENS } from '../../src/generate/detokenize.ts';
import { StopStrings } from '../../src/generate/stop.ts';

/** A tokenizer whose tokens are single bytes: the worst case for characters of several. */
const bytes = { decode: (ids: number[]) => new TextDecoder().decode(Uint8Array.from(ids)) };

/** Like SentencePiece: the first token of a text loses its leading space. */
const spaced = {
  decode: (ids: number[]) =>
    ids
      .map((id) => ` ${id}`)
      .join('')
      .trimStart(),
};

describe('detokenizer', () => {
  test('any text comes out as it went in, and never with half a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
        const detokenizer = new Detokenizer(bytes);
        let out = '';
        for (const id of new TextEncoder().encode(text)) {
          const piece = detokenizer.push(id);
          expect(piece).not.toContain('\ufffd');
          expect(piece.isWellFormed()).toBe(true);
          out += piece;
        }
        expect(out + detokenizer.flush()).toBe(text.toWellFormed());
      }),
    );
  });

  test('a tokenizer that drops the first space keeps the others', () => {
    const detokenizer = new Detokenizer(spaced);
    expect([7, 8, 9].map((id) => detokenizer.push(id)).join('')).toBe('7 8 9');
  });

  test('bytes that are no character go out at last instead of growing the window', () => {
    const detokenizer = new Detokenizer(bytes);
    let out = '';
    for (let i = 0; i < 3 * MAX_WAITING_TOKENS; i++) out += detokenizer.push(0x80);
    expect(out).toContain('\ufffd');
  });

  test('what waits at the end is flushed', () => {
    const detokenizer = new Detokenizer(bytes);
    expect(detokenizer.push(0xe2)).toBe('');
    expect(detokenizer.flush()).toBe('\ufffd');
  });
});

test('an answer without a token has no text, and its tokenizer is not asked', () => {
  const detokenizer = new Detokenizer({
    decode() {
      throw new Error('token_ids must be a non-empty array of integers.');
    },
  });
  expect(detokenizer.flush()).toBe('');
});

describe('stop strings', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 30 });
  const stops = fc.array(
    fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 }),
    { maxLength: 3 },
  );

  test('the answer ends before the first stop string, however the text is split', () => {
    fc.assert(
      fc.property(text, stops, fc.array(fc.nat(4)), (whole, list, cuts) => {
        const stream = new StopStrings(list);
        let out = '';
        let at = 0;
        for (const cut of [...cuts, whole.length]) {
          out += stream.push(whole.slice(at, at + cut));
          at += cut;
          if (stream.stopped) break;
        }
        out += stream.flush();
        // The stop string that is complete first ends it.
        const ends = list.map((stop) => whole.indexOf(stop)).filter((i) => i >= 0);
        if (ends.length === 0) expect(out).toBe(whole);
        else expect(list.some((stop) => out.includes(stop))).toBe(false);
        expect(whole.startsWith(out)).toBe(true);
        expect(stream.stopped).toBe(ends.length > 0);
      }),
    );
  });

  test("what can't begin a stop string goes out at once", () => {
    const stream = new StopStrings(['\n\n']);
    expect(stream.push('one\ntwo')).toBe('one\ntwo');
    expect(stream.push('\n')).toBe('');
    expect(stream.push('three')).toBe('\nthree');
    expect(stream.push('\n\nfour')).toBe('');
    expect(stream.stopped).toBe(true);
  });
});
