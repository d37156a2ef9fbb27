/** `espalier model report`: what a model's tokenizer holds, and what languages cost in it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { tokenBytes } from '../grammar/token-bytes.ts';
import { DEAR, type Encode, type Fertility, fertilityOf } from '../report/fertility.ts';
import { CODE_SAMPLES, ENGLISH, SAMPLES } from '../report/samples.ts';
import { reportVocabulary, type VocabularyReport } from '../report/vocabulary.ts';

/** What is read of a folder of the user's own. */
const TEXT_FILES = ['.md', '.txt', '.html', '.csv', '.json', '.ts', '.js', '.py', '.tex', '.rst'];
/** Characters of a user's own texts that are read. */
export const MOST_TEXT = 1_000_000;

export interface ModelReport {
  vocabulary: VocabularyReport;
  /** The bundled notice by language. */
  languages: Record<string, Fertility>;
  code: Record<string, Fertility>;
  /** The user's own texts in one; absent without any. */
  own?: Fertility;
}

/** @param own the user's own texts in one */
export function reportModel(folder: string, own?: string): ModelReport {
  const json = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const tokenizer = new Tokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
  const encode: Encode = (text) => tokenizer.encode(text, { add_special_tokens: false }).ids;
  const english = encode(SAMPLES[ENGLISH]!).length;
  const each = (texts: Readonly<Record<string, string>>, beside: number | null) =>
    Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, fertilityOf(text, encode, beside)]),
    );
  return {
    vocabulary: reportVocabulary(tokenBytes(json('tokenizer.json'))),
    languages: each(SAMPLES, english),
    code: each(CODE_SAMPLES, null),
    ...(own !== undefined && { own: fertilityOf(own, encode, null) }),
  };
}

/** Languages that cost more than `DEAR` times English, the dearest first. */
export function dearLanguages({ languages }: ModelReport): [language: string, times: number][] {
  return Object.entries(languages)
    .map(([language, { timesEnglish }]): [string, number] => [language, timesEnglish ?? 1])
    .filter(([, times]) => times > DEAR)
    .sort(([, a], [, b]) => b - a);
}

export function printReport(report: ModelReport): void {
  const { vocabulary, languages, code, own } = report;
  console.log(`vocabulary of ${vocabulary.size} tokens`);
  for (const [kind, count] of Object.entries(vocabulary.kinds)) {
    console.log(`  ${kind.padEnd(20)} ${percent(count / vocabulary.size)} ${count}`);
  }
  console.log('\nscript               tokens   begin words   letters that are a token');
  for (const [script, { tokens, wholeWords, coverage }] of Object.entries(vocabulary.scripts)) {
    const numbers = `${String(tokens).padStart(6)} ${String(wholeWords).padStart(13)}`;
    console.log(`${script.padEnd(20)} ${numbers}   ${percent(coverage)}`);
  }
  console.log('\ntext                 tokens a word   a byte   words of one token   times English');
  const rows = { ...languages, ...code, ...(own && { 'your own': own }) };
  for (const [name, one] of Object.entries(rows)) {
    const times = one.timesEnglish === null ? '' : one.timesEnglish.toFixed(2);
    console.log(
      `${name.padEnd(20)} ${one.tokensPerWord.toFixed(2).padStart(13)} ${one.tokensPerByte.toFixed(3).padStart(8)} ` +
        `${percent(one.wholeWords).padStart(20)} ${times.padStart(15)}`,
    );
  }
  for (const [language, times] of dearLanguages(report)) {
    console.log(
      `warning: ${language} costs ${times.toFixed(1)} times the tokens of English: less fits the context, and answers take that much longer`,
    );
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`.padStart(7);
}

/** A file's text, or those of a folder's files in one; up to `MOST_TEXT` characters. Throws where there is none. */
export function readTexts(path: string): string {
  if (!statSync(path).isDirectory()) return readFileSync(path, 'utf8').slice(0, MOST_TEXT);
  let text = '';
  for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()) {
    if (text.length >= MOST_TEXT) break;
    if (TEXT_FILES.includes(extname(name))) text += readFileSync(join(path, name), 'utf8');
  }
  if (text === '') throw new Error(`${path} has no text: ${TEXT_FILES.join(', ')} are read`);
  return text.slice(0, MOST_TEXT);
}
