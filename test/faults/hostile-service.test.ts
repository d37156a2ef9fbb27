/**
 * Whatever is sent to the service, one thing after another and all at once: each is
 * answered, and the worker stays live all along, asked ten times a second.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { docxParts, makeZip } from '../support/documents.ts';
import { Dice, FORMATS, hostileFile } from '../support/hostile-files.ts';
import { type Latency, startBareServer, watchLatency } from '../support/latency.ts';
import { startService, type TestService } from '../support/service.ts';

/** A quarter of it on a machine with nothing else to do; what the machine's other work adds is measured beside. */
const MAX_MS = 1_000;
/** A request passes four processes that wait for a core, where the server beside is one. */
const HOPS = 8;
const DONE_MS = 150_000;

const text = (content: string) => Buffer.from(content);
const PARAGRAPH = '<w:p><w:r><w:t>The tenant pays the rent on the first day.</w:t></w:r></w:p>';
const docx = (megabytes: number) =>
  makeZip(docxParts(PARAGRAPH.repeat((megabytes * 1e6) / PARAGRAPH.length)));

/** Each as small as it can be for what it does to a careless reader. */
const FILES: Record<string, () => Uint8Array> = {
  'repeated-header.csv': () => text(`${'h'.repeat(60_000)}\n${'x\n'.repeat(30_000)}`),
  'repeated-key.json': () =>
    text(`[${`{"${'k'.repeat(60_000)}":1},`}${'{"a":1},'.repeat(7_000)}1]`),
  'nested-lists.html': () => text('<ul>'.repeat(5_000) + '<li>a'.repeat(500)),
  'blank-lines.py': () => text(`class A:\n${'\n'.repeat(40_000)}x`),
  'front-matter.md': () => text(`---\na:${' '.repeat(20_000)}\n---\nPears.`),
  'spaces.html': () => text(`<pre>${' '.repeat(100_000)}x</pre>`),
  'titles.html': () => text('<title'.repeat(20_000)),
  'long-title.html': () =>
    text(`<title>${'t'.repeat(60_000)}</title>${'<h2>a</h2><p>b'.repeat(300)}`),
  'unbroken.txt': () => text(randomBytes(600_000).toString('base64')),
  'one-letter.txt': () => text('a'.repeat(2_000_000)),
  'small.docx': () => docx(8),
  'large.docx': () => docx(23),
  'bomb.docx': () => docx(100),
  'bomb.zip': () => makeZip({ 'a.docx': docx(100), 'b.md': 'Pears.' }),
  'table.csv': () => text('orchard,espalier,wall,ladder\n'.repeat(300_000)),
  ...Object.fromEntries(
    FORMATS.map((format, i) => [
      `seeded.${format}`,
      () => hostileFile(format, 60_000, new Dice(100 + i)).content,
    ]),
  ),
};

const PROMPTS: Record<string, string> = {
  spaces: ' '.repeat(1_900_000),
  'one letter': 'a'.repeat(1_900_000),
  base64: randomBytes(800_000).toString('base64'),
};

let service: TestService;
let bare: Awaited<ReturnType<typeof startBareServer>>;
let store: string;

beforeAll(async () => {
  service = await startService({ demo: false });
  bare = await startBareServer();
  store = (await post('/v1/vector_stores', { name: 'hostile' })).body.id;
});

afterAll(async () => {
  bare?.stop();
  await service?.stop();
});

async function post(path: string, body: FormData | object) {
  const response = await fetch(service.url + path, {
    method: 'POST',
    body: body instanceof FormData ? body : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

/** Uploads the file, has it read, and gives what became of it. */
async function ingest(name: string): Promise<string> {
  const form = new FormData();
  form.set('purpose', 'assistants');
  form.set('file', new File([new Uint8Array(FILES[name]!())], name));
  const { id } = (await post('/v1/files', form)).body;
  await post(`/v1/vector_stores/${store}/files`, { file_id: id });
  const status = async () => {
    const path = `/v1/vector_stores/${store}/files/${id}`;
    return (await (await fetch(service.url + path)).json()).status;
  };
  await expect.poll(status, { timeout: DONE_MS, interval: 200 }).not.toBe('in_progress');
  return await status();
}

async function prompt(name: string): Promise<number> {
  const messages = [{ role: 'user', content: PROMPTS[name]! }];
  return (await post('/v1/chat/completions', { messages })).status;
}

/** Does the work with the service asked all along. */
async function watched(what: string, work: () => Promise<void>): Promise<void> {
  const watch = watchLatency({ live: `${service.url}/health/live`, bare: bare.url });
  await work();
  const { live, bare: beside } = await watch.stop();
  const shown = (row: Latency) =>
    `${row.answered} answers, ms: p50 ${row.p50.toFixed(0)}, p95 ${row.p95.toFixed(0)}, max ${row.max.toFixed(0)}`;
  console.log(`${what}: live ${shown(live)}; a server that only answers: ${shown(beside)}`);
  expect(live.unanswered).toBe(0);
  expect(live.max).toBeLessThan(MAX_MS + HOPS * beside.max);
}

const names = Object.keys(FILES);
const all = async () => {
  const pending = [...names.map(ingest), ...Object.keys(PROMPTS).map(prompt)];
  return (await Promise.all(pending)) as (string | number)[];
};

test('no input holds up the service, one after another', { timeout: 600_000 }, async () => {
  // Once for what is loaded at the first file.
  await ingest('front-matter.md');
  await watched('one after another', async () => {
    for (const name of names) expect(['completed', 'failed']).toContain(await ingest(name));
    for (const name of Object.keys(PROMPTS)) expect(await prompt(name), name).toBe(400);
  });
});

test('no input holds up the service, all at once', { timeout: 600_000 }, async () => {
  await watched('all at once', async () => {
    const outcomes = await all();
    expect(outcomes.filter((one) => one === 400)).toHaveLength(Object.keys(PROMPTS).length);
    for (const one of outcomes) expect(['completed', 'failed', 400]).toContain(one);
  });
  const answer = await post('/v1/chat/completions', {
    messages: [{ role: 'user', content: 'When is the rent paid?' }],
    max_tokens: 8,
  });
  expect(answer.status).toBe(200);
});
