/** What an answer's headers, the log and the metrics page tell, and what they never do. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../local/process.ts';
import type { Supervised } from '../../local/supervised.ts';
import { newLinkKeys, startVerifier } from '../../local/verifier.ts';
import { createKey } from '../support/keys.ts';
import { type Family, parsePrometheus, type Sample } from '../support/prometheus.ts';
import { startWorker, type Worker } from '../support/worker.ts';

const PAGE = 'https://app.example';
const SECRET = 'seventeen purple herons';

let state: string;
let verifier: Supervised;
let worker: Worker;
let key: string;

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'espalier-test-'));
  const [port, keys] = [await freePort(), newLinkKeys()];
  const verifierUrl = `http://127.0.0.1:${port}`;
  verifier = startVerifier({ port, state, keys });
  await verifier.ready();
  const vars = { CORS_ORIGINS: `${PAGE}, https://other.example` };
  worker = await startWorker({ verifierUrl, keys, vars });
  key = await createKey(worker.databases, 'heron-lovers', {
    scopes: ['admin', 'metrics'],
    concurrency: 2,
  });
});

afterAll(async () => {
  await worker?.close();
  await verifier?.stop();
  rmSync(state, { recursive: true, force: true });
});

const question = {
  messages: [{ role: 'user', content: `Where are the ${SECRET}?` }],
  max_tokens: 12,
};

function ask(headers: Record<string, string> = {}, body: object = question): Promise<Response> {
  return fetch(`${worker.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, ...headers },
    body: JSON.stringify(body),
  });
}

describe('headers', () => {
  test('a request’s id is the caller’s own where it fits', async () => {
    const idOf = async (given: string) =>
      (
        await fetch(`${worker.url}/health/live`, { headers: { 'x-request-id': given } })
      ).headers.get('x-request-id');
    for (const fit of ['a', 'req_1.2:3-4', 'x'.repeat(128)]) expect(await idOf(fit)).toBe(fit);
    for (const unfit of ['', 'a b', '{"event":1}', 'x'.repeat(129), 'é']) {
      expect(await idOf(unfit)).toMatch(/^req_[0-9a-f]{24}$/);
    }
    const refused = await ask({ 'x-request-id': 'mine' }, {});
    expect([refused.status, refused.headers.get('x-request-id')]).toEqual([400, 'mine']);
    const streamed = await ask({ 'x-request-id': 'streamed' }, { ...question, stream: true });
    expect(streamed.headers.get('x-request-id')).toBe('streamed');
    await streamed.text();
  });

  test('an answer says how long it took, and to a key what is left; what is not limited is not claimed', async () => {
    const { headers } = await ask();
    expect(Number(headers.get('openai-processing-ms'))).toBeGreaterThan(0);
    expect(headers.get('x-ratelimit-limit-requests')).toBe('600');
    expect(Number(headers.get('x-ratelimit-remaining-requests'))).toBeLessThan(600);
    expect(headers.get('x-ratelimit-reset-requests')).toMatch(/^\d+s$/);
    expect([...headers.keys()].filter((name) => name.endsWith('-tokens'))).toEqual([]);
    const keyless = await fetch(`${worker.url}/v1/models`);
    expect([...keyless.headers.keys()].filter((name) => /ratelimit/.test(name))).toEqual([]);
  });

  test('a refusal that passes says when, in seconds and milliseconds', async () => {
    const busy = await Promise.all(
      Array.from({ length: 6 }, () => ask({}, { ...question, max_tokens: 200 })),
    );
    const refused = busy.find(({ status }) => status === 429)!;
    const seconds = Number(refused.headers.get('retry-after'));
    const ms = Number(refused.headers.get('retry-after-ms'));
    expect(ms).toBeGreaterThan(0);
    expect(seconds).toBe(Math.ceil(ms / 1000));
  });

  test('a conflict is not to be tried again', async () => {
    const store = (name: string) =>
      fetch(`${worker.url}/v1/vector_stores`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'idempotency-key': 'conflict' },
        body: JSON.stringify({ name }),
      });
    await store('one');
    const refused = await store('another');
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([409, 'false']);
  });
});

describe('pages of other origins', () => {
  const preflight = (origin: string) =>
    fetch(`${worker.url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });

  test('may call where CORS_ORIGINS names them, and read what they need', async () => {
    const asked = await preflight(PAGE);
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(asked.headers.get('access-control-allow-methods')).toContain('POST');
    expect(asked.headers.get('access-control-allow-headers')).toContain('authorization');
    for (const body of [question, {}]) {
      const answer = await ask({ origin: PAGE }, body);
      expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE);
      const exposed = answer.headers.get('access-control-expose-headers');
      for (const name of ['x-request-id', 'retry-after-ms', 'x-ratelimit-remaining-requests']) {
        expect(exposed).toContain(name);
      }
    }
  });

  test('get nothing where it does not', async () => {
    for (const origin of ['https://evil.example', 'null', `${PAGE}.evil.example`]) {
      for (const answer of [await preflight(origin), await ask({ origin })]) {
        expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      }
    }
  });
});

describe('the log', () => {
  type Entry = Record<string, unknown>;
  const entries = (): Entry[] =>
    worker
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  const entry = (event: string, id: string) =>
    expect
      .poll(() => entries().find((one) => one.event === event && one.request_id === id))
      .toBeDefined()
      .then(() => entries().find((one) => one.event === event && one.request_id === id)!);

  test('has a line for every request, and one for every answer, by the request’s id', async () => {
    await (await ask({ 'x-request-id': 'logged' })).text();
    expect(await entry('request', 'logged')).toEqual({
      event: 'request',
      request_id: 'logged',
      tenant: expect.any(Number),
      method: 'POST',
      route: '/v1/chat/completions',
      status: 200,
      ms: expect.any(Number),
    });
    expect(await entry('answer', 'logged')).toEqual({
      event: 'answer',
      request_id: 'logged',
      tenant: expect.any(Number),
      finish: expect.stringMatching(/^(stop|length)$/),
      prompt_tokens: expect.any(Number),
      cached_tokens: expect.any(Number),
      completion_tokens: expect.any(Number),
      steps: expect.any(Number),
      first_token_ms: expect.any(Number),
      ms: expect.any(Number),
    });
    const headers = { 'x-request-id': 'nowhere' };
    await fetch(`${worker.url}/v1/files/file-none`, { headers });
    expect(await entry('request', 'nowhere')).toMatchObject({ status: 404 });
  });

  test('never holds a prompt, an answer, a document, a key or a name', async () => {
    const upload = new FormData();
    upload.set('purpose', 'assistants');
    upload.set('file', new File([`# Birds\n\nThe ${SECRET} sleep.`], 'herons-secret.md'));
    const headers = { authorization: `Bearer ${key}` };
    const url = `${worker.url}/v1/files`;
    expect((await fetch(url, { method: 'POST', headers, body: upload })).status).toBe(200);
    await ask({}, { ...question, messages: SECRET });
    await ask({}, { ...question, [SECRET]: 1 });
    await ask({ authorization: `Bearer esp_${SECRET}` });
    const answer = await (await ask({ 'x-request-id': 'secret' })).json();
    await entry('answer', 'secret');
    // What `wrangler dev` prints of its own has the paths.
    const log = worker.output().replaceAll(/^\[wrangler.*$/gm, '');
    expect(log).toContain('"request_id":"secret"');
    const said: string = answer.choices[0].message.content;
    for (const word of ['herons', 'heron-lovers', key.slice(4), said.trim()]) {
      expect(word.length).toBeGreaterThan(3);
      expect(log).not.toContain(word);
    }
  });
});

describe('metrics', () => {
  async function scrape(): Promise<Map<string, Family>> {
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`${worker.url}/metrics`, { headers });
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    return parsePrometheus(await response.text());
  }

  const sum = (samples: readonly Sample[]) => samples.reduce((all, { value }) => all + value, 0);

  /** Counts of a histogram's buckets rise to the count of all, for each set of its labels. */
  function expectHistogram({ samples }: Family): void {
    const sets = new Map<string, Sample[]>();
    for (const sample of samples) {
      const { le: _, ...labels } = sample.labels;
      const set = JSON.stringify(labels);
      sets.set(set, [...(sets.get(set) ?? []), sample]);
    }
    for (const set of sets.values()) {
      const buckets = set.filter(({ name }) => name.endsWith('_bucket'));
      const bounds = buckets.map(({ labels }) => Number(labels.le!.replace('Inf', 'Infinity')));
      expect(bounds).toEqual([...bounds].sort((a, b) => a - b));
      expect(bounds.at(-1)).toBe(Number.POSITIVE_INFINITY);
      const counts = buckets.map(({ value }) => value);
      expect(counts).toEqual([...counts].sort((a, b) => a - b));
      expect(set.find(({ name }) => name.endsWith('_count'))!.value).toBe(counts.at(-1));
    }
  }

  test('are Prometheus’ text, with vLLM’s names, and agree with one another', async () => {
    await ask(
      {},
      { ...question, speculation: { ablation: { draft_model: 'always' } }, max_tokens: 64 },
    );
    const families = await scrape();
    const of = (name: string) => families.get(`espalier_${name}`)!.samples;
    for (const [name, family] of families) {
      expect(name).toMatch(/^espalier_[a-z0-9_]+$/);
      if (family.type === 'histogram') expectHistogram(family);
      else if (family.type === 'gauge') expect(name).not.toMatch(/_total$/);
      else {
        expect(family.type).toBe('counter');
        expect(name).toMatch(/_total$/);
        for (const { value } of family.samples) expect(value).toBeGreaterThanOrEqual(0);
      }
    }
    expect(of('waiting_requests').map(({ labels, value }) => [labels.reason, value])).toEqual([
      ['preparation', 0],
      ['slot', 0],
    ]);
    const answers = sum(of('answers_total'));
    expect(answers).toBeGreaterThan(3);
    const counted = (name: string) => of(name).find((one) => one.name.endsWith('_count'))!.value;
    expect(counted('time_to_first_token_seconds')).toBe(answers);
    expect(counted('time_per_output_token_seconds')).toBeGreaterThan(0);
    expect(sum(of('limiter_refusals_total'))).toBeGreaterThan(0);

    const accepted = sum(of('spec_decode_num_accepted_tokens_total'));
    const drafts = sum(of('spec_decode_num_drafts_total'));
    expect(drafts).toBeGreaterThan(0);
    expect(sum(of('spec_decode_num_draft_tokens_total'))).toBeGreaterThanOrEqual(accepted);
    const byPosition = of('spec_decode_num_accepted_tokens_per_pos_total');
    const at = byPosition.map(({ labels }) => Number(labels.position)).sort((a, b) => a - b);
    expect(at).toEqual(at.map((_, i) => i));
    const times = at.map(
      (position) => byPosition.find(({ labels }) => labels.position === `${position}`)!.value,
    );
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(times[0]).toBeLessThanOrEqual(drafts);
    expect(sum(byPosition)).toBe(accepted);
  });

  test('have no label for whom or for what', async () => {
    const labels = [...(await scrape()).values()].flatMap(({ samples }) =>
      samples.flatMap((sample) => Object.entries(sample.labels)),
    );
    expect(labels.length).toBeGreaterThan(10);
    expect(labels.map(([name]) => name).filter((name) => !KNOWN_LABELS.has(name))).toEqual([]);
    for (const [, value] of labels) expect(value).not.toMatch(/heron|esp_|(file-|vs_|req_)\w|mine/);
  });

  const KNOWN_LABELS = new Set(
    'route method status finish position source state store outcome reason le'.split(' '),
  );
});
