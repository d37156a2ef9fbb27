/** `speculation.accept` and `rank` through the whole service. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SAMPLED_ACCEPT } from '../../src/link/protocol/index.ts';
import { startedOnesAlwaysDraft } from '../support/always-draft.ts';
import { startService, type TestService } from '../support/service.ts';

startedOnesAlwaysDraft();
let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.stop());

async function post(body: object) {
  const response = await fetch(`${service.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      messages: [{ role: 'user', content: 'What is a draft tree?' }],
      max_tokens: 40,
      seed: 3,
      ...body,
    }),
  });
  return { status: response.status, body: await response.json() };
}

async function accepted(accept: string, temperature: number) {
  const { body } = await post({ temperature, speculation: { accept, stats: true } });
  return { text: body.choices[0].message.content, usage: body.usage.speculation };
}

describe('speculation.accept', () => {
  test('rules for sampled drafts say the same at temperature 0, and draft', async () => {
    const { text } = await accepted('match', 0);
    for (const rule of SAMPLED_ACCEPT) {
      const sampled = await accepted(rule, 0);
      expect(sampled.text).toBe(text);
      expect(sampled.usage.accepted).toBeGreaterThan(0);
      expect(sampled.usage.lossy).toBeUndefined();
    }
    expect((await accepted('without-replacement', 0.9)).usage.steps).toBeGreaterThan(0);
  });

  test('a lossy rule is marked, with how often the target did not say so', async () => {
    const typical = await accepted('typical', 1.3);
    expect(typical.usage.lossy).toBe('typical');
    const { deviations, deviation_rate, by_source } = typical.usage;
    expect(deviations).toBeGreaterThan(0);
    const committed = Object.values<number>(by_source).reduce((sum, one) => sum + one, 0);
    expect(deviation_rate).toBe(deviations / committed);
    const greedy = await accepted('typical', 0);
    expect(greedy.text).toBe((await accepted('match', 0)).text);
    expect(greedy.usage).toMatchObject({ deviations: 0, deviation_rate: 0 });
    expect((await accepted('match', 0.8)).usage.deviation_rate).toBeUndefined();
  });

  test('a rule that the model has nothing for is refused with what helps', async () => {
    const refused = await post({ speculation: { accept: 'relaxed' } });
    expect(refused.status).toBe(400);
    expect(refused.body.error.param).toBe('speculation.accept');
    expect(refused.body.error.message).toContain('npx espalier model neighbours');
    expect((await post({ speculation: { accept: 'always' } })).status).toBe(400);
  });
});

describe('rank', () => {
  const code = 'Write a function in Python.';

  test('keeps choices that parse, or all where none does', async () => {
    const { body } = await post({
      messages: [{ role: 'user', content: code }],
      n: 2,
      rank: 'code',
      temperature: 1,
    });
    expect(body.choices.length).toBeGreaterThan(0);
    expect(body.choices.map(({ index }: { index: number }) => index)).toEqual([
      ...body.choices.keys(),
    ]);
    for (const { rank } of body.choices) expect(rank === null || rank.choice < 2).toBe(true);
  });

  test('comes whole, and without log-probabilities', async () => {
    for (const more of [{ stream: true }, { logprobs: true }]) {
      const { status, body } = await post({ rank: 'code', ...more });
      expect(status).toBe(400);
      expect(body.error.param).toBe('rank');
    }
  });
});
