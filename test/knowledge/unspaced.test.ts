/** Words of scripts without spaces: cut alike in texts and questions, bounded, and nothing lost. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchQuery } from '../../src/retrieve/query.ts';
import { rankParts } from '../../src/retrieve/rank-parts.ts';
import { askedWords, indexedText, wordsIn } from '../../src/retrieve/unspaced.ts';
import { keyword, LANGUAGES, passage } from '../support/languages.ts';

const MARK_AI = '\u{f0e31}';

test('a run is its bigrams and its last character, apart from words beside it', () => {
  expect(indexedText('iPhone手机三 sale')).toBe('iphone 手机 机三 三  sale');
  expect(indexedText('한국어')).toBe(' 한국 국어 어 ');
  // SQLite ends a word at the vowel above: in a bigram it is another character.
  expect(indexedText('กันยา')).toBe(` ก${MARK_AI}น นย ยา า `);
});

test('a text of spaced scripts is indexed as it is', () => {
  for (const text of ['Crème brûlée', 'Привет, мир', '“quoted” – 🍐', 'हिन्दी', 'שלום']) {
    expect(indexedText(text)).toBeNull();
  }
});

test('widths, variants of a glyph and joiners make no other word', () => {
  expect(indexedText('ＡＢＣ')).toBe('abc');
  expect([...wordsIn('ﾊﾟﾝﾀﾞ')]).toEqual([...wordsIn('パンダ')]);
  expect([...wordsIn('葛\u{e0100}城')]).toEqual([...wordsIn('葛城')]);
  expect([...wordsIn('សា\u200bលា')]).toEqual([...wordsIn('សាលា')]);
});

test('a question asks for bigrams; for one character, for all that begin with it', () => {
  expect(matchQuery('図書館')).toBe('"図書" OR "書館" OR "図書 書館"');
  expect(matchQuery('茶')).toBe('"茶"*');
  expect(matchQuery('iPhoneの値段')).toBe('"iphone" OR "の値" OR "値段" OR "の値 値段"');
});

const CHARACTERS = fc.constantFrom(
  ...'字a １ｱﾞ가กัำ𠮷\u{1d160}\u{fb2c}\u{f900}\u{facf}\u{e0100}İé。\u1100\u1161\u302a\u{16ff0}',
);

test('whatever the text, the index has no more than three times its bytes, and two', () => {
  const bytes = (text: string) => Buffer.byteLength(text);
  const property = fc.property(fc.string({ unit: CHARACTERS, maxLength: 60 }), (text) => {
    expect(bytes(indexedText(text) ?? text)).toBeLessThanOrEqual(3 * bytes(text) + 2);
  });
  fc.assert(property, { numRuns: 2_000 });
});

test('a part of a text asks only for words that the text has', () => {
  const rest = fc.string({ unit: fc.constantFrom(...'字書가กัำ𠮷'), maxLength: 20 });
  // A mark at its beginning would be the text's before it.
  const run = rest.map((text) => `น${text}`);
  fc.assert(
    fc.property(run, run, run, (before, within, after) => {
      const words = new Set(wordsIn(before + within + after));
      for (const { word, begins } of askedWords(within)) {
        if (word.includes(' ')) continue;
        const isThere = begins ? [...words].some((one) => one.startsWith(word)) : words.has(word);
        expect(isThere).toBe(true);
      }
    }),
  );
});

test('a megabyte of one character takes no longer than it is', () => {
  const text = '字'.repeat(350_000);
  const started = performance.now();
  expect(indexedText(text)!.length).toBe(3 * text.length);
  expect(matchQuery(text)).toBe('"字字"');
  expect(performance.now() - started).toBeLessThan(30_000);
});

describe.each(Object.entries(LANGUAGES))('parts in %s', (_, language) => {
  test('are found by their keywords', () => {
    const parts = Array.from({ length: 100 }, (_, i) => ({
      title: '',
      heading: '',
      text: passage(language, i),
    }));
    const missed = parts.filter((part, i) => {
      return rankParts(parts, keyword(language, i), 3)[0]?.part !== part;
    });
    // By pairs alone, two keywords of the same pairs may change places.
    expect(missed.length).toBeLessThanOrEqual(2);
  });
});

test('a part is found by one of its characters, wherever it is', () => {
  const parts = ['茶道の歴史', '緑茶', '珈琲'].map((text) => ({ title: '', heading: '', text }));
  const found = rankParts(parts, '茶', 3).map(({ part }) => part.text);
  expect(found.sort()).toEqual(['緑茶', '茶道の歴史']);
});
