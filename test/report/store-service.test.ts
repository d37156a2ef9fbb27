/** `store report` against the real service: files, searches, other cuttings, and questions by the served model. */
import { beforeAll, expect, test } from 'vitest';
import { KnowledgeClient } from '../../bin/retrieval/client.ts';
import { Corpus } from '../../bin/store/corpus.ts';
import { makeQuestions } from '../../bin/store/make-questions.ts';
import { locate } from '../../bin/store/questions.ts';
import { reportStore } from '../../bin/store/report.ts';
import { storeTexts } from '../../gpu-backend/cli/store-texts.ts';
import { sharedService } from '../support/shared-service.ts';

const PEARS =
  '# Pears\n\nPears of the early kinds are picked in August, before they are ripe. They are laid on straw in a cool room for a week. Late pears stay on the tree until the first frost of autumn.\n';
const WALLS =
  '# Walls\n\nA wall that faces south stores the warmth of the day. It gives this warmth back to the tree during the night. A white wall throws more light on the leaves than a dark one.\n';

let client: KnowledgeClient;
let url: string;
let store: string;
beforeAll(async () => {
  ({ url } = await sharedService({ demo: false }));
  client = new KnowledgeClient(url);
  store = await client.createStore('orchard');
  const files = [await client.upload('pears.md', PEARS), await client.upload('walls.md', WALLS)];
  expect(await client.ingest(store, files)).toBe(0);
});

test('the store is measured as it is and cut otherwise', async () => {
  const corpus = new Corpus(await client.files(store));
  expect(corpus.files.map(({ name }) => name).sort()).toEqual(['pears.md', 'walls.md']);
  const { questions, missing } = locate(
    [
      { file: 'pears.md', quote: 'laid on straw', question: 'Where are early pears laid?' },
      { file: '', quote: 'faces south', question: 'Which way does a warm wall face?' },
    ],
    corpus,
  );
  expect(missing).toEqual([]);
  const plan = { store, corpus, questions, sizes: [100], tokensOf: null };
  const { byCutting } = await reportStore(client, plan);
  expect(byCutting['as stored']!.recall).toBe(1);
  expect(byCutting['as stored']!.ndcg10).toBeGreaterThan(0.9);
  expect(Object.keys(byCutting).sort()).toEqual(['100', 'as stored']);
});

test('the served model asks questions that quote the texts', async () => {
  const corpus = new Corpus(await client.files(store));
  const lines = await makeQuestions(client, corpus.files, 1);
  expect(lines).toHaveLength(1);
  expect(locate(lines, corpus).missing).toEqual([]);
});

test('a report on a model reads the store’s texts', async () => {
  const texts = await storeTexts({ url, key: undefined }, store, 1_000);
  expect(texts).toContain('first frost');
  expect(await storeTexts({ url, key: undefined }, store, 10)).toHaveLength(10);
  await expect(storeTexts({ url, key: undefined }, 'vs_none', 10)).rejects.toThrow('404');
});
