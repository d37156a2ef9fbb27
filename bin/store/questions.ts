/** Questions over a store, each with the words that answer it, and where those are. */
import { readFileSync } from 'node:fs';
import { merge, type Span } from '../retrieval/spans.ts';
import type { Corpus } from './corpus.ts';

/** A line of a questions file. */
export interface Line {
  /** Of the file that has the quote; the first file that has it if empty. */
  file: string;
  quote: string;
  question: string;
}

export interface Question {
  text: string;
  /** In the corpus: every place of the quote in its file, at least one. */
  answers: Span[];
}

/** The file is no list of questions; the message says which line. */
export class QuestionsFailure extends Error {}

/**
 * Tab-separated lines under the header `file quote question`, or JSON lines with
 * these fields, of which `file` may be left out.
 */
export function readQuestions(path: string): Line[] {
  const lines = readFileSync(path, 'utf8').split(/\r?\n/);
  const isJson = lines[0]!.trimStart().startsWith('{');
  return lines.flatMap((line, i) => {
    if (line.trim() === '' || (i === 0 && !isJson)) return [];
    const [file, quote, question] = isJson ? fieldsOf(line, path, i) : line.split('\t');
    if (!quote || !question) {
      throw new QuestionsFailure(`${path}:${i + 1} needs file, quote and question`);
    }
    return [{ file: file ?? '', quote, question }];
  });
}

function fieldsOf(line: string, path: string, i: number): (string | undefined)[] {
  try {
    const { file, quote, question } = JSON.parse(line);
    return [file, quote, question];
  } catch {
    throw new QuestionsFailure(`${path}:${i + 1} is not JSON`);
  }
}

/** The questions whose quotes the files have, and the quotes that none has. */
export function locate(lines: readonly Line[], corpus: Corpus) {
  const questions: Question[] = [];
  const missing: string[] = [];
  for (const { file: name, quote, question } of lines) {
    const named = corpus.files.filter((file) => name === '' || file.name === name);
    const file = named.find(({ text }) => text.includes(quote));
    if (!file) {
      missing.push(quote);
      continue;
    }
    const places = placesOf(quote, file.text).map((span) =>
      corpus.place({ ...span, file: file.id }),
    );
    questions.push({ text: question, answers: places });
  }
  return { questions, missing };
}

function placesOf(quote: string, text: string): Span[] {
  const places: Span[] = [];
  for (let at = text.indexOf(quote); at >= 0; at = text.indexOf(quote, at + 1)) {
    places.push({ start: at, end: at + quote.length });
  }
  return merge(places);
}
