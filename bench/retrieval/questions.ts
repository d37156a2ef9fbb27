/** Questions with the exact spans that answer them, over five corpora (chunking_evaluation). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { merge, type Span } from '../../bin/retrieval/spans.ts';
import { readRows } from '../../src/retrieve/parse/csv.ts';
import { benchData } from '../data-folder.ts';

export interface Question {
  text: string;
  corpus: string;
  answers: Span[];
}

export interface QuestionSet {
  questions: Question[];
  /** By name. */
  corpora: Map<string, string>;
}

/**
 * Null where neither `folder` nor ESPALIER_BENCH_DATA names one (bench/data/README.md).
 *
 * @param folder holds `questions_df.csv` and `corpora/*.md`
 */
export function readQuestions(folder?: string): QuestionSet | null {
  if (folder === undefined) {
    const kept = benchData('qa/chunking_evaluation');
    return kept === undefined ? null : readQuestions(kept);
  }
  const table = join(folder, 'questions_df.csv');
  if (!existsSync(table)) {
    throw new Error(
      `no ${table}: name a folder that holds chunking_evaluation's questions_df.csv and corpora/`,
    );
  }
  const [, ...rows] = readRows(readFileSync(table, 'utf8'), ',');
  const corpora = new Map<string, string>();
  const offsets = new Map<string, Int32Array>();
  for (const corpus of new Set(rows.map(([, , name]) => name!))) {
    const text = readFileSync(join(folder, 'corpora', `${corpus}.md`), 'utf8');
    corpora.set(corpus, text);
    offsets.set(corpus, codeUnitOffsets(text));
  }
  const questions = rows.map(([text, references, corpus]) => {
    const at = offsets.get(corpus!)!;
    const spans: { start_index: number; end_index: number }[] = JSON.parse(references!);
    const answers = spans.map((s) => ({ start: at[s.start_index]!, end: at[s.end_index]! }));
    return { text: text!, corpus: corpus!, answers: merge(answers) };
  });
  return { questions, corpora };
}

const DOCS = join(import.meta.dirname, '../../docs');
const OURS = join(import.meta.dirname, '../data/docs-questions.tsv');

/**
 * Questions over our own docs, all of them one corpus. An answer is the paragraph
 * (or the table's row) that has the quote. Throws where a quote is no longer there.
 */
export function readOwnQuestions(): QuestionSet {
  const [, ...rows] = readFileSync(OURS, 'utf8').trimEnd().split('\n');
  const starts = new Map<string, number>();
  let text = '';
  for (const file of new Set(rows.map((row) => row.split('\t')[0]!))) {
    starts.set(file, text.length);
    text += `${readFileSync(join(DOCS, file), 'utf8')}\n\n`;
  }
  const questions = rows.map((row) => {
    const [file, quote, question] = row.split('\t') as [string, string, string];
    const at = text.indexOf(quote, starts.get(file));
    if (at < 0) throw new Error(`docs/${file} no longer says "${quote}": mend ${OURS}`);
    const start = text.lastIndexOf('\n', at) + 1;
    return { text: question, corpus: 'docs', answers: [{ start, end: text.indexOf('\n', at) }] };
  });
  return { questions, corpora: new Map([['docs', text]]) };
}

/** Where each code point starts, in code units: the set counts in code points. */
function codeUnitOffsets(text: string): Int32Array {
  const offsets = new Int32Array(text.length + 1);
  let point = 0;
  let unit = 0;
  for (const character of text) {
    offsets[point++] = unit;
    unit += character.length;
  }
  offsets[point] = unit;
  return offsets.subarray(0, point + 1);
}
