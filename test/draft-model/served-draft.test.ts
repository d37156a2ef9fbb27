/** Which draft model an isolate serves: found by the target's tokenizer, asked of R2 now and then, its caches bounded. */
import { describe, expect, test } from 'vitest';
import { type DraftShelf, LOOK_MS } from '../../src/generate/draft-model/draft-choice.ts';
import { draftCacheBytes, MAX_CACHES_BYTES } from '../../src/generate/draft-model/draft-memory.ts';
import { DRAIN_MS } from '../../src/generate/draft-model/served-draft.ts';
import { bundled, OTHER, other, ROWS, ServedWorld, say, shallow, target } from './served-world.ts';

const world = new ServedWorld();

describe('found by the tokenizer', () => {
  test('the bundled one serves its own target, once it was asked for', async () => {
    expect(world.stateOf(target)).toEqual({ state: 'cold' });
    expect(world.leaseFor(target)).toBeNull();
    await world.refresh(target);
    expect(world.stateOf(target)).toMatchObject({
      state: 'ready',
      id: 'espalier-tiny-draft',
      source: 'bundled',
    });
    expect(await say(world.leaseFor(target)!.model)).toHaveLength(bundled.facts.vocabSize);
  });

  test('a target of another tokenizer has none, and is told how to get one', async () => {
    await world.refresh(other);
    expect(world.stateOf(other)).toMatchObject({
      state: 'unfit',
      reason: expect.stringContaining('npx espalier draft add'),
    });
    expect(world.leaseFor(other)).toBeNull();
  });

  test('R2’s serves the target of another tokenizer', async () => {
    await world.put(shallow);
    await world.refresh(other);
    expect(world.stateOf(other)).toMatchObject({ state: 'ready', id: 'shallow', source: 'r2' });
    const { model } = world.leaseFor(other)!;
    expect(model.facts.layers).toBe(1);
    expect(await say(model)).toHaveLength(bundled.facts.vocabSize);
    expect(world.leaseFor(target)).toBeNull();
  });

  test('R2’s comes before the bundled one', async () => {
    await world.put(shallow, { tokenizer: bundled.facts.tokenizer });
    await world.refresh(target);
    expect(world.stateOf(target)).toMatchObject({ id: 'shallow', source: 'r2' });
  });

  test('the verifier’s next model is drafted for by its own', async () => {
    await world.put(shallow);
    await world.refresh(target);
    await world.refresh(other);
    expect(world.stateOf(other)).toMatchObject({ id: 'shallow' });
    expect(world.stateOf(target)).toEqual({ state: 'cold' });
    await world.refresh(target);
    expect(world.stateOf(target)).toMatchObject({ source: 'bundled' });
  });
});

describe('asked of R2', () => {
  test('once a minute, where there is none as where there is one', async () => {
    for (const step of [0, 1, LOOK_MS - 2]) {
      world.now += step;
      await world.refresh(other);
    }
    expect(world.asked).toEqual(['record']);
    await world.put(shallow);
    world.now += 1;
    await world.refresh(other);
    expect(world.asked).toEqual(['record', 'record', 'graph']);
    await world.refresh(other);
    await world.refreshLater(other);
    expect(world.asked).toEqual(['record', 'record', 'graph', 'record']);
  });

  test('by one of many that come at once', async () => {
    await world.put(shallow);
    await Promise.all(Array.from({ length: 5 }, () => world.refresh(other)));
    expect(world.asked).toEqual(['record', 'graph']);
  });

  test('again where the request that asked ended before it was answered', async () => {
    await world.put(shallow);
    const lost: DraftShelf = { ...world.shelf, find: () => new Promise(() => {}) };
    void world.refresh(other, lost);
    await world.refreshLater(other);
    expect(world.stateOf(other)).toMatchObject({ state: 'ready', id: 'shallow' });
  });

  test('in vain: what serves goes on, and /health says why it may be old', async () => {
    const down: DraftShelf = {
      find: () => Promise.reject(new Error('R2 is down')),
      read: () => Promise.reject(new Error('R2 is down')),
    };
    await world.refresh(other, down);
    expect(world.stateOf(other)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('down'),
    });
    await world.put(shallow);
    await world.refreshLater(other);
    world.now += LOOK_MS;
    await world.refresh(other, down);
    expect(world.stateOf(other)).toMatchObject({
      state: 'ready',
      id: 'shallow',
      refused: expect.stringContaining('down'),
    });
  });

  test('in vain for the graph: it is read again after a minute', async () => {
    await world.put(shallow);
    const halfDown = { ...world.shelf, read: () => Promise.reject(new Error('R2 is down')) };
    await world.refresh(other, halfDown);
    expect(world.stateOf(other)).toMatchObject({ state: 'failed' });
    await world.refresh(other);
    expect(world.leaseFor(other)).toBeNull();
    await world.refreshLater(other);
    expect(world.stateOf(other)).toMatchObject({ state: 'ready' });
  });
});

test('the caches of all turns together keep their bound', async () => {
  await world.refresh(target);
  const bytes = draftCacheBytes(bundled.facts, ROWS);
  const most = Math.floor(MAX_CACHES_BYTES / bytes);
  const turns = Array.from({ length: most + 1 }, () => world.leaseFor(target));
  expect(turns.map((turn) => turn !== null)).toEqual(turns.map((_, i) => i < most));
  turns[0]!.end();
  expect(world.leaseFor(target)).not.toBeNull();
});

test('the caches of turns whose model was closed under them count until they end', async () => {
  const putNamed = (id: string) =>
    world.put(bundled.graph, { ...bundled.facts, id, tokenizer: OTHER });
  await putNamed('first');
  await world.refresh(other);
  const most = Math.floor(MAX_CACHES_BYTES / draftCacheBytes(bundled.facts, ROWS));
  const turns = Array.from({ length: most }, () => world.leaseFor(other)!);
  await putNamed('second');
  await world.refreshLater(other);
  world.now += DRAIN_MS;
  await world.refresh(other);
  expect(world.stateOf(other)).toMatchObject({ id: 'second' });
  expect(world.leaseFor(other)).toBeNull();
  turns[0]!.end();
  expect(world.leaseFor(other)).not.toBeNull();
  expect(world.leaseFor(other)).toBeNull();
});
