/** Requests that wait to be prepared: who is next, who is refused, and who has gone without a word. */
import { beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import {
  type Admission,
  LOOK_MS,
  MAX_PREPARING,
  MAX_WAITING,
  PreparationQueue,
  TooBusy,
} from '../../src/generate/preparation-queue.ts';

const STAYS = new AbortController().signal;

let clock: VirtualClock;
let preparing: PreparationQueue;
beforeEach(() => {
  clock = new VirtualClock();
  preparing = new PreparationQueue(clock);
});

const pass = (ms: number) =>
  clock.run(new Promise<void>((resolve) => void clock.after(ms, resolve)));

/** Names of those who entered, in order, and how each leaves. */
function house() {
  const entered: string[] = [];
  const refused: string[] = [];
  const inside = new Map<string, Admission>();
  function ask(name: string, tenant = 1, maxWaitMs = 30_000, left = STAYS): void {
    preparing.enter(tenant, maxWaitMs, left).then(
      (admission) => {
        entered.push(name);
        inside.set(name, admission);
      },
      (error) => {
        if (error instanceof TooBusy) expect(error.retryAfterMs).toBeGreaterThanOrEqual(1_000);
        else expect(error).toMatchObject({ code: 'cancelled' });
        refused.push(name);
      },
    );
  }
  return { entered, refused, inside, ask };
}

/** All places are taken by tenant 1. */
async function full() {
  const all = house();
  for (let i = 0; i < MAX_PREPARING; i++) all.ask(`${i}`);
  await pass(LOOK_MS);
  expect(all.entered).toHaveLength(MAX_PREPARING);
  return all;
}

test('who leaves makes room for the first in line, within a look', async () => {
  const { ask, entered, inside } = await full();
  ask('first');
  ask('second');
  await pass(100);
  expect(preparing.size).toBe(2);
  inside.get('3')!.release();
  inside.get('3')!.release();
  await pass(LOOK_MS);
  expect(entered.at(-1)).toBe('first');
  expect(preparing.size).toBe(1);
  expect(inside.get('first')!.waitedMs).toBeLessThan(100 + LOOK_MS + 10);
});

test('a tenant with fewer inside comes first, however many of another wait', async () => {
  const { ask, entered, inside } = await full();
  for (let i = 0; i < 40; i++) ask(`more ${i}`);
  ask('other', 2);
  inside.get('0')!.release();
  await pass(LOOK_MS);
  expect(entered.at(-1)).toBe('other');
});

test('who has waited for as long as it may is refused; who may not wait, at once', async () => {
  const { ask, refused } = await full();
  ask('patient', 1, 900);
  ask('hasty', 1, 0);
  await pass(LOOK_MS);
  expect(refused).toEqual(['hasty']);
  await pass(750);
  expect(refused).toEqual(['hasty']);
  await pass(60);
  expect(refused).toEqual(['hasty', 'patient']);
  expect(preparing.size).toBe(0);
});

test('who leaves is not waited for', async () => {
  const { ask, refused, entered, inside } = await full();
  const leaving = new AbortController();
  ask('gone', 1, 30_000, leaving.signal);
  ask('next');
  await pass(LOOK_MS);
  leaving.abort();
  await pass(LOOK_MS);
  expect(refused).toEqual(['gone']);
  expect(preparing.size).toBe(1);
  inside.get('0')!.release();
  await pass(LOOK_MS);
  expect(entered.at(-1)).toBe('next');
});

test('in a full line one more of the tenant that fills it is refused at once', async () => {
  const { ask, refused } = await full();
  for (let i = 0; i < MAX_WAITING; i++) ask(`w${i}`, 1, 1_000);
  ask('more', 1);
  await pass(1);
  expect(refused).toEqual(['more']);
});

test('in a full line another tenant takes the last place of the one that fills it', async () => {
  const { ask, refused, entered, inside } = await full();
  for (let i = 0; i < MAX_WAITING; i++) ask(`w${i}`);
  ask('other', 2);
  await pass(LOOK_MS);
  expect(refused).toEqual([`w${MAX_WAITING - 1}`]);
  expect(preparing.size).toBe(MAX_WAITING);
  inside.get('0')!.release();
  await pass(LOOK_MS);
  expect(entered.at(-1)).toBe('other');
});

test('in a line full of many tenants nobody gives way to one who would have as much', async () => {
  const { ask, refused } = await full();
  for (let i = 0; i < MAX_WAITING; i++) ask(`w${i}`, 10 + i, 1_000);
  ask('more', 2);
  await pass(1);
  expect(refused).toEqual(['more']);
});

test('places of those who never leave are free again after ten seconds', async () => {
  const { ask, entered } = await full();
  ask('next');
  await pass(9_000);
  expect(entered).not.toContain('next');
  await pass(2_000);
  expect(entered).toContain('next');
});
