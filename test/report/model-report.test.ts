/** `model report`: tokens are told apart by kind and script, and languages by what they cost. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dearLanguages, reportModel } from '../../gpu-backend/cli/vocabulary-report.ts';
import { fertilityOf } from '../../gpu-backend/report/fertility.ts';
import { ENGLISH, SAMPLES } from '../../gpu-backend/report/samples.ts';
import { reportVocabulary } from '../../gpu-backend/report/vocabulary.ts';
import { ROOT } from '../../local/root.ts';

const bytes = (text: string) => String.fromCharCode(...new TextEncoder().encode(text));

describe('a vocabulary', () => {
  const texts = [' the', 'ing', ' дом', 'ка', '中', ' 12', '  \n', '!=', 'x1', ' β'];
  const report = reportVocabulary([null, '\xe4', ...texts.map(bytes)]);

  test('is told apart by kind', () => {
    expect(report.size).toBe(12);
    expect(report.kinds).toEqual({
      special: 1,
      'part of a character': 1,
      'whole word': 4,
      'fragment of a word': 2,
      number: 1,
      'white space': 1,
      punctuation: 1,
      mixed: 1,
    });
  });

  test('and by script, with the share of letters that are a token', () => {
    const { Cyrillic, Greek, Han, Latin } = report.scripts;
    expect(Cyrillic).toMatchObject({ tokens: 2, wholeWords: 1, coverage: 0 });
    expect(Latin).toMatchObject({ tokens: 3, wholeWords: 1 });
    expect(Han!.coverage).toBeGreaterThan(0);
    expect(Greek!.coverage).toBeGreaterThan(Han!.coverage);
  });
});

describe('the cost of a text', () => {
  /** A token a letter, and one a word where the word is "the". */
  const encode = (text: string) => new Array<number>(text === ' the' ? 1 : [...text].length);

  test('is tokens by word and by byte, and beside English', () => {
    expect(fertilityOf('the дом', encode, 3)).toEqual({
      words: 2,
      tokensPerWord: 3.5,
      tokensPerByte: 0.7,
      wholeWords: 0.5,
      timesEnglish: 7 / 3,
    });
  });
});

describe('the bundled model', () => {
  const report = reportModel(join(ROOT, 'models/target'), 'Words of my own.');

  test('was trained on English: every other script is dear, and warned of', () => {
    expect(report.languages[ENGLISH]!.timesEnglish).toBe(1);
    const dear = dearLanguages(report).map(([language]) => language);
    for (const language of ['Russian', 'Hindi', 'Korean']) expect(dear).toContain(language);
    expect(dear).not.toContain(ENGLISH);
    expect(report.own!.words).toBe(4);
  });

  test('every sample is the same notice: as many sentences', () => {
    for (const [language, text] of Object.entries(SAMPLES)) {
      const sentences = text.split(/[.。।]/u).filter((part) => part.trim() !== '');
      if (language === 'Thai') continue; // Written without full stops.
      expect([language, sentences.length]).toEqual([language, 6]);
    }
  });
});
