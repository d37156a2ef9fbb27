/** `store report`: what its measures count, where its questions' answers are, and what it asks the model for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { KnowledgeClient, StoredFile } from '../../bin/retrieval/client.ts';
import { measure } from '../../bin/retrieval/measures.ts';
import { inTokens, type Span } from '../../bin/retrieval/spans.ts';
import { Corpus } from '../../bin/store/corpus.ts';
import { asTable, makeQuestions } from '../../bin/store/make-questions.ts';
import { locate, readQuestions } from '../../bin/store/questions.ts';
import { reportStore } from '../../bin/store/report.ts';

const FILES: StoredFile[] = [
  { id: 'a', name: 'pears.md', text: 'Pears ripen in September. A wall keeps them warm at night.' },
  {
    id: 'b',
    name: 'walls.md',
    text: 'A wall is built of bricks. It faces south. It is two metres high.',
  },
];
const folder = mkdtempSync(join(tmpdir(), 'espalier-questions-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(text: string): string {
  const file = join(folder, `${Math.random()}.tsv`);
  writeFileSync(file, text);
  return file;
}

describe('measures', () => {
  const span = (start: number, end: number): Span => ({ start, end });

  test('are those of Smith and Troynikov, over whatever counts', () => {
    // Ten units of answer; two passages of ten, one of which holds half of it.
    const all = [span(0, 10), span(10, 20), span(20, 30)];
    const found = measure([span(10, 20), span(20, 30)], [span(5, 15)], all);
    expect(found.recall).toBe(0.5);
    expect(found.precision).toBe(0.25);
    expect(found.iou).toBeCloseTo(5 / 25, 12);
    expect(found.precisionOmega).toBe(0.5);
    expect(found.ndcg10).toBeCloseTo(1 / (1 + 1 / Math.log2(3)), 12);
  });

  test('in tokens a word counts with its own, where it begins', () => {
    const text = 'a bb  ccc 水火';
    const length = inTokens(text, (word) => word.trim().length);
    expect(length(0, text.length)).toBe(1 + 2 + 3 + 1 + 1);
    expect(length(0, 3)).toBe(3);
    expect(length(3, 6)).toBe(0);
    expect(length(6, 11)).toBe(4);
  });
});

describe('questions', () => {
  const corpus = new Corpus(FILES);

  test('are found by their quotes, in the file that is named or in any', () => {
    const table = 'file\tquote\tquestion\nwalls.md\tfaces south\tWhere to?\n\tA wall\tWhat?\n';
    const { questions, missing } = locate(readQuestions(fileOf(table)), corpus);
    expect(missing).toEqual([]);
    const quoted = questions.map(({ answers }) =>
      answers.map(({ start, end }) => corpus.text.slice(start, end)),
    );
    expect(quoted).toEqual([['faces south'], ['A wall']]);
  });

  test('may be JSON lines; a quote that no file has is named', () => {
    const lines =
      '{"question": "Why?", "quote": "because"}\n{"question": "When?", "quote": "in September"}';
    const { questions, missing } = locate(readQuestions(fileOf(lines)), corpus);
    expect(questions.map(({ text }) => text)).toEqual(['When?']);
    expect(missing).toEqual(['because']);
  });

  test('a line that is none is named', () => {
    expect(() => readQuestions(fileOf('file\tquote\tquestion\npears.md\tripen'))).toThrow(
      ':2 needs',
    );
    expect(() => readQuestions(fileOf('{"question": '))).toThrow(':1 is not JSON');
  });

  test('that the model makes quote a sentence that it was shown', async () => {
    const text = `Begins.\n${'This sentence is long enough to be an answer. '.repeat(2)}Ends here.`;
    const asked: string[] = [];
    const answer = async <Answer>(prompt: string, schema: object) => {
      asked.push(prompt);
      const { quote } = (schema as { properties: { quote: { enum: string[] } } }).properties;
      return { quote: quote.enum[0], question: 'Which\nsentence?' } as Answer;
    };
    const lines = await makeQuestions({ answer }, [{ id: 'c', name: 'c.md', text }], 3);
    expect(asked).toHaveLength(1);
    expect(lines).toHaveLength(1);
    expect(text).toContain(lines[0]!.quote);
    expect(readQuestions(fileOf(asTable(lines)))).toEqual(lines);
  });
});

test('a report measures the store as it is and cut otherwise, and leaves no store behind', async () => {
  const stores = ['given'];
  const client = {
    search: async (store: string, query: string) => {
      const whole = store === 'given';
      return FILES.map(({ id, text }) => ({
        file: id,
        start: 0,
        end: whole ? text.length : 20,
      })).sort((a) => (FILES.find(({ id }) => id === a.file)!.text.includes(query) ? -1 : 1));
    },
    createStore: async (name: string) => {
      stores.push(name);
      return name;
    },
    deleteStore: async (name: string) => {
      stores.splice(stores.indexOf(name), 1);
    },
    ingest: async () => 0,
  } as unknown as KnowledgeClient;
  const corpus = new Corpus(FILES);
  const { questions } = locate(
    [{ file: '', quote: 'Pears ripen', question: 'Pears ripen' }],
    corpus,
  );
  const plan = { store: 'given', corpus, questions, sizes: [5], tokensOf: null };
  const { byCutting, unit } = await reportStore(client, plan);
  expect(unit).toBe('characters');
  expect(Object.keys(byCutting).sort()).toEqual(['5', 'as stored']);
  expect(byCutting['as stored']!.recall).toBe(1);
  expect(byCutting[5]!.precision).toBeGreaterThan(byCutting['as stored']!.precision);
  expect(byCutting['as stored']!.ndcg10).toBe(1);
  expect(stores).toEqual(['given']);
});
