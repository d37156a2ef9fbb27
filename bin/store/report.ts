/** How well a store's passages are found: as it is cut, and cut otherwise, on questions with known answers. */
import type { KnowledgeClient } from '../retrieval/client.ts';
import { type Measures, meanOf, measure, RANKED } from '../retrieval/measures.ts';
import { inCharacters, inTokens, type Length } from '../retrieval/spans.ts';
import type { Corpus } from './corpus.ts';
import type { Question } from './questions.ts';

/** Passages asked for to learn which ones hold the answer: the most that a search gives. */
const TOUCHING = 50;
/** As the worker cuts where a request doesn't say. */
const OVERLAP = 0.15;

export interface StoreReport {
  questions: number;
  /** What the measures count. */
  unit: 'tokens' | 'characters';
  /** By how passages are cut: `as stored`, or the most tokens of a passage. */
  byCutting: Record<string, Measures>;
}

export interface ReportPlan {
  store: string;
  corpus: Corpus;
  questions: readonly Question[];
  /** Tokens of a passage at most, beside the store as it is. */
  sizes: readonly number[];
  /** How many tokens of the served model a word has; null measures in characters. */
  tokensOf: ((word: string) => number) | null;
}

/** Stores with other cuttings are made for as long as they are measured. */
export async function reportStore(client: KnowledgeClient, plan: ReportPlan): Promise<StoreReport> {
  const { store, corpus, questions, sizes, tokensOf } = plan;
  const length = tokensOf ? inTokens(corpus.text, tokensOf) : inCharacters;
  const measureOne = (cut: string) => measureStore(client, cut, plan, length);
  const byCutting: StoreReport['byCutting'] = { 'as stored': await measureOne(store) };
  for (const size of sizes) byCutting[size] = await withCut(client, corpus, size, measureOne);
  return { questions: questions.length, unit: tokensOf ? 'tokens' : 'characters', byCutting };
}

async function measureStore(
  client: KnowledgeClient,
  store: string,
  { corpus, questions }: ReportPlan,
  length: Length,
): Promise<Measures> {
  const all: Measures[] = [];
  for (const { text, answers } of questions) {
    const search = async (query: string, count: number) =>
      (await client.search(store, query, count)).map((found) => corpus.place(found));
    const ranked = await search(text, RANKED);
    // The quote's own words find the passages that hold it.
    const [{ start, end }] = answers as [Question['answers'][0]];
    const touching = await search(corpus.text.slice(start, end), TOUCHING);
    const known = new Map([...ranked, ...touching].map((one) => [`${one.start} ${one.end}`, one]));
    all.push(measure(ranked, answers, [...known.values()], length));
  }
  return meanOf(all);
}

/** Calls `body` with a store of the same files cut at `size` tokens, which is deleted afterwards. */
async function withCut<T>(
  client: KnowledgeClient,
  { files }: Corpus,
  size: number,
  body: (store: string) => Promise<T>,
): Promise<T> {
  const store = await client.createStore(`report at ${size}`);
  try {
    const cutting = {
      max_chunk_size_tokens: size,
      chunk_overlap_tokens: Math.floor(size * OVERLAP),
    };
    const ids = files.map(({ id }) => id);
    const failed = await client.ingest(store, ids, {
      chunking_strategy: { type: 'static', static: cutting },
    });
    if (failed > 0) throw new Error(`${failed} files could not be cut at ${size} tokens`);
    return await body(store);
  } finally {
    await client.deleteStore(store);
  }
}
