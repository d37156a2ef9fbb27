/** Whatever R2 holds, what is wrong with it is said, and no turn fails by it. */
import { describe, expect, test } from 'vitest';
import { readRows } from '../../gpu-backend/builder/tensor-reader.ts';
import { readWeightIndex } from '../../gpu-backend/builder/weight-index.ts';
import { MAX_DRAFT_BYTES } from '../../src/generate/draft-model/draft-memory.ts';
import { DRAIN_MS } from '../../src/generate/draft-model/served-draft.ts';
import { draftGraphKey, draftRecordKey } from '../../src/store/drafts.ts';
import {
  bundled,
  DRAFT,
  OTHER,
  other,
  recordOf,
  ServedWorld,
  say,
  shallow,
  target,
} from './served-world.ts';

const world = new ServedWorld();

/** A graph whose last norm has no numbers for weights. */
function withoutNumbers(graph: Uint8Array): Uint8Array {
  const [weights] = readRows(readWeightIndex(DRAFT).get('model.norm.weight')!);
  const bytes = Buffer.from(graph);
  const at = bytes.indexOf(Buffer.from(weights!.buffer));
  expect(at).toBeGreaterThan(0);
  // All bits of a float32 set are a NaN.
  return bytes.fill(0xff, at, at + weights!.byteLength);
}

describe('refused', () => {
  const broken = Uint8Array.from(shallow, (byte, i) => (i === 5000 ? byte ^ 1 : byte));
  const noGraph = new TextEncoder().encode('<!doctype html>');
  /** What stands in R2, made of the right one, and what is said of it. */
  const HOSTILE: Record<string, { said: string; put: () => Promise<unknown> }> = {
    'another graph under its hash': {
      said: 'has the sha256',
      put: async () => world.putGraph(await world.put(shallow), broken),
    },
    'half of a graph': {
      said: 'bytes and not',
      put: async () => world.putGraph(await world.put(shallow), shallow.subarray(9)),
    },
    'a record without its graph': {
      said: 'R2 has no drafts/',
      put: async () => world.bucket.files.delete(draftGraphKey(await world.put(shallow))),
    },
    'no graph': { said: 'open its graph', put: () => world.put(noGraph) },
    'a graph of more layers': {
      said: 'is not what its record says',
      put: () => world.put(bundled.graph),
    },
    'a graph of fewer layers': {
      said: 'is not what its record says',
      put: () => world.put(shallow, { layers: 2 }),
    },
    'a graph of other rows': {
      said: 'is not what its record says',
      put: () => world.put(shallow, { width: 32 }),
    },
    'a graph of a larger vocabulary': {
      said: 'it knows 6144 tokens and not 6143',
      put: () => world.put(shallow, { vocabSize: 6143 }),
    },
    'a graph that computes no numbers': {
      said: 'no numbers',
      put: () => world.put(withoutNumbers(shallow)),
    },
    'a vocabulary that the tokenizer does not have': {
      said: 'more than the tokenizer has',
      put: () => world.put(shallow, { vocabSize: 6145 }),
    },
    'another tokenizer’s record': {
      said: 'of the tokenizer cccc',
      put: () => {
        const record = recordOf(shallow, { tokenizer: 'c'.repeat(64) });
        return world.bucket.files.put(draftRecordKey(OTHER), JSON.stringify(record));
      },
    },
    'too large a graph': {
      said: '10.0 MB: add fewer layers',
      put: () => world.put(shallow, { bytes: MAX_DRAFT_BYTES + 1 }),
    },
    'too large a cache': {
      said: 'keys and values',
      put: () => world.put(shallow, { width: 8192, positions: 4096 }),
    },
    'a record that is no JSON': {
      said: 'no JSON',
      put: () => world.bucket.files.put(draftRecordKey(OTHER), '{'),
    },
    'a record of a megabyte': {
      said: '1000000 bytes',
      put: () => world.bucket.files.put(draftRecordKey(OTHER), ' '.repeat(1e6)),
    },
    'a record with a path for a hash': {
      said: 'graph: must be a hex sha256',
      put: () => {
        const record = { ...recordOf(shallow), graph: '../../../tenants/1/files/file-1' };
        return world.bucket.files.put(draftRecordKey(OTHER), JSON.stringify(record));
      },
    },
  };

  test.each(Object.keys(HOSTILE))('%s', async (name) => {
    const { said, put } = HOSTILE[name]!;
    await put();
    await world.refresh(other);
    expect(world.stateOf(other)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining(said),
    });
    expect(world.leaseFor(other)).toBeNull();
    // Not read again and again.
    const before = world.asked.filter((what) => what === 'graph').length;
    await world.refreshLater(other);
    expect(world.asked.filter((what) => what === 'graph')).toHaveLength(before);
  });

  test('the one before goes on, until there is a good one', async () => {
    const good = await world.put(shallow, { id: 'first' });
    await world.refresh(other);
    const { model, end } = world.leaseFor(other)!;
    end();
    await world.put(noGraph, { id: 'second' });
    await world.putGraph(recordOf(noGraph), new Uint8Array(noGraph.length));
    await world.refreshLater(other);
    expect(world.stateOf(other)).toMatchObject({
      state: 'ready',
      id: 'first',
      refused: expect.stringContaining('sha256'),
    });
    expect(world.leaseFor(other)!.model).toBe(model);
    await world.put(shallow, { ...good, id: 'third' });
    await world.refreshLater(other);
    world.now += DRAIN_MS;
    await world.refresh(other);
    expect(world.stateOf(other)).toMatchObject({ state: 'ready', id: 'third' });
    expect(world.stateOf(other)).not.toHaveProperty('refused');
  });

  test('one that can’t be opened leaves none where none is bundled, until there is a good one', async () => {
    await world.put(shallow);
    await world.refresh(other);
    await world.put(noGraph);
    await world.refreshLater(other);
    expect(world.stateOf(other)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('open its graph'),
    });
    expect(world.leaseFor(other)).toBeNull();
    await world.put(shallow);
    await world.refreshLater(other);
    expect(world.stateOf(other)).toMatchObject({ state: 'ready', id: 'shallow' });
  });

  test.each([
    ['the first', false],
    ['after one that could', true],
  ])('the bundled one serves where R2’s can’t be opened, %s', async (_, first) => {
    const { tokenizer } = bundled.facts;
    if (first) {
      await world.put(shallow, { tokenizer });
      await world.refresh(target);
      expect(world.stateOf(target)).toMatchObject({ source: 'r2' });
    }
    await world.put(noGraph, { tokenizer });
    await world.refreshLater(target);
    expect(world.stateOf(target)).toMatchObject({
      state: 'ready',
      source: 'bundled',
      refused: expect.stringContaining('open its graph'),
    });
    expect(await say(world.leaseFor(target)!.model)).toHaveLength(bundled.facts.vocabSize);
  });
});
