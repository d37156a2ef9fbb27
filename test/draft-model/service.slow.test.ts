/**
 * The draft model in the real worker: what is said is what is said without it;
 * /health tells its state; without it, or with a broken one, the service goes on.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundledModel, measureForward } from '../../bench/draft-model/forward.ts';
import { streamChat } from '../../bench/stream-chat.ts';
import { ROOT } from '../../local/root.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';
import { startWorker } from '../support/worker.ts';

const QUESTIONS: string[] = JSON.parse(readFileSync(join(ROOT, 'web/demo/questions.json'), 'utf8'));
/** What the isolate's models may hold of its 128 MB. */
const HEAP_BUDGET = 48e6;

interface DraftModelHealth {
  state: string;
  reason?: string;
  create_ms?: number;
  heap_bytes?: number;
}

let service: SharedService;
beforeAll(async () => {
  service = await sharedService({ demo: true });
});

async function healthOf(url: string): Promise<DraftModelHealth> {
  return ((await (await fetch(`${url}/health`)).json()) as { draft_model: DraftModelHealth })
    .draft_model;
}

async function ask(question: string, temperature: number, speculation: object, more: object = {}) {
  const { text, finish, usage } = await streamChat(service.url, {
    messages: [{ role: 'user', content: question }],
    temperature,
    seed: 42,
    max_tokens: 100,
    speculation: { stats: true, memory: false, ...speculation },
    ...more,
  });
  const stats = usage.speculation as NonNullable<typeof usage.speculation> & {
    draft_model: { state: string; passes: number; spent_ms: number; saved_ms: number } | null;
  };
  return { text, finish, stats };
}

test('it is made on /health and stays, within its part of the isolate’s memory', async () => {
  const first = await healthOf(service.url);
  expect(first.state).toBe('ready');
  expect(first.heap_bytes).toBeLessThan(HEAP_BUDGET);
  expect(await healthOf(service.url)).toMatchObject({ create_ms: first.create_ms });
});

describe.each([0, 0.8])('at temperature %f', (temperature) => {
  test.each(QUESTIONS)('%s', async (question) => {
    const without = await ask(question, temperature, { draft_model: 'off' });
    expect(without.stats.draft_model).toBeNull();
    const grounded = await ask(question, temperature, { ablation: { draft_model: 'always' } });
    expect(grounded.stats.draft_model!.passes).toBeGreaterThan(0);
    expect([grounded.text, grounded.finish]).toEqual([without.text, without.finish]);
    const bare = { vector_store_ids: [] };
    const plain = await ask(question, temperature, { mode: 'off' }, bare);
    const ungrounded = await ask(
      question,
      temperature,
      { ablation: { draft_model: 'always' } },
      bare,
    );
    expect([ungrounded.text, ungrounded.finish]).toEqual([plain.text, plain.finish]);
  });
});

test.each(['gated', 'alone', 'unshared', undefined])(
  'draft_model %s says the same',
  async (use) => {
    const plain = await ask(QUESTIONS[1]!, 0.8, { mode: 'off' });
    for (const trees of [undefined, 'streamed', 'lockstep']) {
      const { text } = await ask(QUESTIONS[1]!, 0.8, { ablation: { trees, draft_model: use } });
      expect(text).toBe(plain.text);
    }
  },
);

test('tokens that only it proposed are accepted, and counted as its own', async () => {
  let own = 0;
  for (const question of QUESTIONS.slice(0, 6)) {
    const { stats } = await ask(question, 0, {
      ablation: { trees: 'streamed', draft_model: 'alone' },
    });
    own += stats.by_source.draft ?? 0;
  }
  expect(own).toBeGreaterThan(40);
});

test('many turns at once get it as far as there is room, and all say the same', async () => {
  const plain = await ask(QUESTIONS[2]!, 0, { mode: 'off' });
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => ask(QUESTIONS[2]!, 0, { ablation: { draft_model: 'always' } })),
  );
  for (const { text } of answers) expect(text).toBe(plain.text);
});

test('without it the service goes on and says so', async () => {
  for (const [DRAFT_MODEL, state] of [
    ['none', 'off'],
    ['bigger', 'failed'],
  ] as const) {
    const worker = await startWorker({
      verifierUrl: service.verifierUrl,
      vars: { DRAFT_MODEL },
    });
    try {
      const health = await healthOf(worker.url);
      expect(health.state).toBe(state);
      const suggested = await fetch(`${worker.url}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ prompt: 'Pears are', suggest: true }),
      });
      expect(suggested.status).toBe(503);
      expect(await suggested.text()).toContain(`the draft model, which is ${state}`);
      if (state === 'failed')
        expect(health.reason).toContain('set it to "auto", "bundled" or "none"');
    } finally {
      await worker.close();
    }
  }
});

test('a pass in the real runtime takes milliseconds, and sixteen nodes not sixteen times one', async () => {
  const { createMs, s1Ms, s16Ms, heapMB } = await measureForward(bundledModel());
  expect(createMs).toBeLessThan(10_000);
  // In one run: a busy machine slows both alike.
  expect(s16Ms / Math.max(1, s1Ms)).toBeLessThan(12);
  expect(heapMB * 1e6).toBeLessThan(HEAP_BUDGET);
});
