/**
 * Retrieval through the real worker: questions with known answers, over our own
 * docs and over chunking_evaluation's corpora, by passage size and method, against
 * counting the words that question and passage share.
 *
 *   npm run bench:retrieval -- [folder of chunking_evaluation] [--sizes 100,190,400]
 *     [--embedder folder] [--json]
 *
 * Without a folder: `qa/chunking_evaluation` in the one that ESPALIER_BENCH_DATA names, and
 * without that our docs alone (bench/data/README.md). `--embedder` measures with another encoder,
 * added as `npx espalier embedder add` does.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { addEmbedder, settingOf } from '../bin/embedders.ts';
import { KnowledgeClient } from '../bin/retrieval/client.ts';
import {
  AT,
  cellsOf,
  MEASURES,
  type Measures,
  meanOf,
  measure,
  RANKED,
} from '../bin/retrieval/measures.ts';
import type { Span } from '../bin/retrieval/spans.ts';
import { type Chunk, chunk } from '../src/retrieve/chunk.ts';
import { parse } from '../src/retrieve/parse/parse.ts';
import { startModelServer } from '../test/support/model-server.ts';
import { startWorker } from '../test/support/worker.ts';
import {
  type Question,
  type QuestionSet,
  readOwnQuestions,
  readQuestions,
} from './retrieval/questions.ts';
import { targetTokenizer } from './retrieval/target-tokenizer.ts';

/** As the worker cuts where a request doesn't say. */
const OVERLAP = 0.15;

const METHODS = ['bm25', 'vector', 'hybrid'] as const;
type Method = (typeof METHODS)[number] | 'shared words';

interface Results {
  questions: number;
  /** By tokens of a passage. */
  bySize: Record<string, Record<Method, Measures>>;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      sizes: { type: 'string', default: '100,190,400' },
      embedder: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const sets: Record<string, QuestionSet> = { 'our docs': readOwnQuestions() };
  const recorded = readQuestions(positionals[0]);
  if (recorded) sets.chunking_evaluation = recorded;
  else console.error('chunking_evaluation is not here and left out: see bench/data/README.md');
  const verifier = await startModelServer();
  const { embedder } = values;
  const vars: Record<string, string> = embedder ? { EMBEDDER: settingOf(embedder) } : {};
  const worker = await startWorker({ verifierUrl: verifier.url, vars });
  if (embedder) addEmbedder(embedder, worker.databases);
  const results: Record<string, Results> = {};
  try {
    const client = new KnowledgeClient(worker.url);
    for (const [name, set] of Object.entries(sets)) {
      results[name] = { questions: set.questions.length, bySize: {} };
      for (const size of values.sizes.split(',').map(Number)) {
        results[name].bySize[size] = await measureSize(client, set, size);
      }
    }
  } finally {
    await worker.close();
    await verifier.close();
  }
  if (values.json) console.log(JSON.stringify({ load: loadavg(), results }));
  else for (const [name, result] of Object.entries(results)) print(name, result);
}

async function measureSize(client: KnowledgeClient, set: QuestionSet, size: number) {
  const cutting = { maxTokens: size, overlapTokens: Math.floor(size * OVERLAP) };
  const all: Record<Method, Measures[]> = { hybrid: [], bm25: [], vector: [], 'shared words': [] };
  for (const [corpus, text] of set.corpora) {
    const { encodeUntrusted } = targetTokenizer();
    const document = await parse(arrayBuffer(text), `${corpus}.md`, '');
    const passages = [...chunk(document, cutting, encodeUntrusted)].flat();
    const store = await client.createStore(corpus);
    const file = await client.upload(`${corpus}.md`, text);
    const failed = await client.ingest(store, [file], {
      chunking_strategy: {
        type: 'static',
        static: {
          max_chunk_size_tokens: cutting.maxTokens,
          chunk_overlap_tokens: cutting.overlapTokens,
        },
      },
    });
    if (failed > 0) throw new Error(`${corpus}.md could not be ingested`);
    const sharedWords = wordCounter(passages);
    for (const question of set.questions.filter((q) => q.corpus === corpus)) {
      for (const method of METHODS) {
        const found = await client.search(store, question.text, RANKED, method);
        all[method].push(measure(found, question.answers, passages));
      }
      all['shared words'].push(measure(sharedWords(question), question.answers, passages));
    }
    await client.deleteStore(store);
  }
  return {
    hybrid: meanOf(all.hybrid),
    bm25: meanOf(all.bm25),
    vector: meanOf(all.vector),
    'shared words': meanOf(all['shared words']),
  };
}

/** The baseline: passages by how many different words of the question they have. */
function wordCounter(passages: readonly Chunk[]): (question: Question) => Span[] {
  const words = (text: string) => new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu));
  const sets = passages.map((p) => words(`${p.title} ${p.heading} ${p.text}`));
  return function rank({ text }) {
    const asked = [...words(text)];
    return sets
      .map((set, i) => ({ i, shared: asked.filter((word) => set.has(word)).length }))
      .sort((a, b) => b.shared - a.shared)
      .slice(0, RANKED)
      .map(({ i }) => passages[i]!);
  };
}

function print(name: string, { questions, bySize }: Results): void {
  console.log(`${name}: ${questions} questions, the first ${AT} passages`);
  console.log(`tokens  method         ${MEASURES.map((name) => name.padStart(15)).join('')}`);
  for (const [size, methods] of Object.entries(bySize)) {
    for (const [method, measures] of Object.entries(methods)) {
      console.log(`${size.padStart(6)}  ${method.padEnd(15)}${cellsOf(measures)}`);
    }
    for (const rival of ['bm25', 'shared words'] as const) {
      const ratio = methods.hybrid.ndcg10 / methods[rival].ndcg10;
      console.log(`        hybrid / ${rival}, nDCG@10: ${ratio.toFixed(3)} ×`);
    }
  }
}

function arrayBuffer(text: string): ArrayBuffer {
  return new TextEncoder().encode(text).buffer;
}

await main();
