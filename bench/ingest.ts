/**
 * A large body of markdown through the real service: how fast it is ingested, what
 * memory that takes, how long searches in it take, with the time of a search in an
 * empty store beside them as the cost of the path alone, and a question answered
 * over all of it. Then one large table. During both, how long other requests take,
 * with those of a server that only answers beside them.
 *
 *   npm run bench:ingest -- [archive.tar.gz] [--megabytes 30] [--searches 200] [--table-megabytes 8.7] [--json]
 *
 * Without an archive: `docs/docs-train.tar.gz` in the folder that ESPALIER_BENCH_DATA names, and
 * without that our own docs (bench/data/README.md).
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { KnowledgeClient } from '../bin/retrieval/client.ts';
import { type Latency, startBareServer, watchLatency } from '../test/support/latency.ts';
import { startService } from '../test/support/service.ts';
import { headings, type MarkdownFile, markdownToIngest } from './ingest/archive.ts';
import { watchMemory } from './ingest/memory.ts';
import { median, quantile } from './statistics.ts';
import { streamChat } from './stream-chat.ts';

const MEGABYTE = 1e6;
/** Files attached in one request: the API's limit. */
const BATCH = 500;
/** At a time, as SDKs' upload helpers do. */
const UPLOADS = 5;
const RESULTS = 10;
/** One that the archive has an answer to. */
const QUESTION = 'How do I create a Durable Object?';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      megabytes: { type: 'string', default: '30' },
      searches: { type: 'string', default: '200' },
      question: { type: 'string', default: QUESTION },
      'table-megabytes': { type: 'string', default: '8.7' },
      json: { type: 'boolean', default: false },
    },
  });
  const files = markdownToIngest(positionals[0], Number(values.megabytes) * MEGABYTE);
  const service = await startService({ demo: false });
  const bare = await startBareServer();
  /** Others' requests while `work` is done. */
  async function beside<T>(work: () => Promise<T>): Promise<[T, Latencies]> {
    const watch = watchLatency({
      live: `${service.url}/health/live`,
      get: `${service.url}/v1/vector_stores?limit=1`,
      bare: bare.url,
    });
    const done = await work();
    return [done, await watch.stop()];
  }
  try {
    const client = new KnowledgeClient(service.url);
    const memory = watchMemory();
    const started = performance.now();
    const [{ store, failed, uploadSeconds }, besideFiles] = await beside(() =>
      ingestAll(client, files),
    );
    const seconds = (performance.now() - started) / 1000;
    const peakBytes = memory.stop();
    const queries = headings(files, Number(values.searches));
    const empty = await client.createStore('empty');
    const idle = await timeSearches(client, empty, queries);
    const full = await timeSearches(client, store, queries);
    const answer = await answerTo(service.url, store, values.question);
    const searches = { idle, full, ratio: full.p50 / idle.p50 };
    const table = tableOf(Number(values['table-megabytes']) * MEGABYTE);
    const [, besideTable] = await beside(async () =>
      client.ingest(empty, [await client.upload('orchard.csv', table)]),
    );
    const latencies = { files: besideFiles, table: besideTable };
    const facts = { files, failed, seconds, uploadSeconds, peakBytes, ...searches, answer };
    report({ ...facts, latencies }, values.json);
  } finally {
    bare.stop();
    await service.stop();
  }
}

async function ingestAll(client: KnowledgeClient, files: readonly MarkdownFile[]) {
  const store = await client.createStore('docs');
  let failed = 0;
  let uploadMs = 0;
  for (let from = 0; from < files.length; from += BATCH) {
    const batch = files.slice(from, from + BATCH);
    const ids: string[] = [];
    const started = performance.now();
    for (let at = 0; at < batch.length; at += UPLOADS) {
      const uploads = batch.slice(at, at + UPLOADS);
      ids.push(...(await Promise.all(uploads.map((f) => client.upload(f.name, f.bytes)))));
    }
    uploadMs += performance.now() - started;
    failed += await client.ingest(store, ids);
  }
  return { store, failed, uploadSeconds: uploadMs / 1000 };
}

/** Rows of a few cells each, about so many bytes. */
function tableOf(bytes: number): string {
  const words = 'orchard espalier pruning branch harvest rootstock grafting summer blossom'.split(
    ' ',
  );
  const word = (i: number) => words[i % words.length];
  const rows = ['id,name,description,price'];
  for (let i = 0, size = 0; size < bytes; i++) {
    const row = `${i},${word(i)} ${word(7 * i + 3)},"The ${word(3 * i)} number ${i} of the ${word(i + 5)}, and a ${word(11 * i)}",${i % 97}.${i % 10}`;
    size += row.length + 1;
    rows.push(row);
  }
  return rows.join('\n');
}

async function answerTo(url: string, store: string, content: string) {
  const messages = [{ role: 'user', content }];
  const asked = { messages, vector_store_ids: [store], temperature: 0, max_tokens: 100 };
  const { text, ttftMs, seconds } = await streamChat(url, asked);
  return { question: content, text, ttftMs, seconds };
}

/** Milliseconds each. The first is not counted: it warms the path. */
async function timeSearches(client: KnowledgeClient, store: string, queries: readonly string[]) {
  const times: number[] = [];
  let found = 0;
  for (const query of queries) {
    const started = performance.now();
    found += (await client.search(store, query, RESULTS)).length;
    times.push(performance.now() - started);
  }
  return { p50: median(times.slice(1)), p99: quantile(times.slice(1), 0.99), found };
}

type Latencies = Record<'live' | 'get' | 'bare', Latency>;

interface Outcome {
  files: readonly MarkdownFile[];
  /** Files without text, for the most part. */
  failed: number;
  seconds: number;
  /** Of those: until all files were uploaded, the rest being ingestion alone. */
  uploadSeconds: number;
  /** Of the worker's processes and the verifier's. */
  peakBytes: number;
  idle: Awaited<ReturnType<typeof timeSearches>>;
  full: Awaited<ReturnType<typeof timeSearches>>;
  ratio: number;
  answer: Awaited<ReturnType<typeof answerTo>>;
  /** Of requests beside the ingestion of all files, and of one large table. */
  latencies: { files: Latencies; table: Latencies };
}

function report({ files, ...outcome }: Outcome, json: boolean): void {
  const { failed, seconds, uploadSeconds, peakBytes, idle, full, ratio, answer } = outcome;
  const megabytes = files.reduce((sum, { bytes }) => sum + bytes.length, 0) / MEGABYTE;
  const megabytesPerSecond = megabytes / seconds;
  if (json) {
    const rate = { files: files.length, megabytes, megabytesPerSecond };
    console.log(JSON.stringify({ load: loadavg(), ...rate, ...outcome }));
    return;
  }
  console.log(
    `${files.length} files (${failed} failed), ${megabytes.toFixed(1)} MB in ${seconds.toFixed(1)} s ` +
      `(${uploadSeconds.toFixed(1)} s of it uploading): ${megabytesPerSecond.toFixed(2)} MB/s, ` +
      `memory peak ${(peakBytes / MEGABYTE).toFixed(0)} MB`,
  );
  console.log('search          p50         p99');
  for (const [name, { p50, p99 }] of Object.entries({ 'all of it': full, nothing: idle })) {
    console.log(
      `${name.padEnd(10)} ${p50.toFixed(1).padStart(6)} ms ${p99.toFixed(1).padStart(8)} ms`,
    );
  }
  console.log(`all of it / nothing, p50: ${ratio.toFixed(2)} ×`);
  reportLatencies(outcome.latencies);
  console.log(
    `${answer.question} (first text after ${answer.ttftMs.toFixed(0)} ms)\n${answer.text}`,
  );
}

function reportLatencies(latencies: Outcome['latencies']): void {
  const cell = (ms: number) => ms.toFixed(0).padStart(6);
  console.log('requests beside ingestion     p50    p95    max   unanswered');
  for (const [during, rows] of Object.entries(latencies)) {
    for (const [name, { p50, p95, max, unanswered }] of Object.entries(rows)) {
      const label = `${during}, ${name}`.padEnd(26);
      console.log(`${label} ${cell(p50)} ${cell(p95)} ${cell(max)} ms ${unanswered}`);
    }
  }
}

await main();
