/**
 * Which draft model an isolate serves, over R2 and ONNX Runtime's WebAssembly build as
 * they are: found by the target's tokenizer, swapped while turns go on, and never
 * one that would fail a turn, whatever R2 holds.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web/wasm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { buildEdgeDecoder } from '../../gpu-backend/builder/edge-decoder.ts';
import { readRows } from '../../gpu-backend/builder/tensor-reader.ts';
import { readWeightIndex } from '../../gpu-backend/builder/weight-index.ts';
import { ROOT } from '../../local/root.ts';
import { type DraftShelf, LOOK_MS } from '../../src/generate/draft-model/draft-choice.ts';
import {
  draftCacheBytes,
  MAX_CACHES_BYTES,
  MAX_DRAFT_BYTES,
} from '../../src/generate/draft-model/draft-memory.ts';
import { EdgeCache, type EdgeModel } from '../../src/generate/draft-model/edge-model.ts';
import {
  DRAIN_MS,
  type DraftTarget,
  ServedDraft,
} from '../../src/generate/draft-model/served-draft.ts';
import {
  type DraftFacts,
  type DraftRecord,
  draftGraphKey,
  draftRecordKey,
  findDraft,
  readDraftGraph,
} from '../../src/store/drafts.ts';
import { type LocalBucket, localBucket } from '../support/local-bucket.ts';

const DRAFT = join(ROOT, 'models/draft');
const bundled = {
  facts: JSON.parse(readFileSync(join(DRAFT, 'edge.json'), 'utf8')) as DraftFacts,
  graph: readFileSync(join(DRAFT, 'edge.onnx')),
};
const shallow = buildEdgeDecoder(DRAFT, { ...bundled.facts, layers: 1 });
/** Of another target. */
const OTHER = 'b'.repeat(64);
const ROWS = 1024;
const runtime = {
  createSession: (graph: ArrayBuffer | Uint8Array) =>
    ort.InferenceSession.create(graph instanceof Uint8Array ? graph : new Uint8Array(graph)),
  Tensor: ort.Tensor,
  heapBytes: () => 1,
};

ort.env.wasm.numThreads = 1;

let bucket: LocalBucket;
beforeAll(async () => {
  bucket = await localBucket();
});
afterAll(() => bucket?.close());

let now: number;
let served: ServedDraft;
/** What was asked of R2. */
let asked: string[];
let shelf: DraftShelf;
beforeEach(async () => {
  now = 0;
  asked = [];
  served = new ServedDraft(runtime, bundled, () => now);
  shelf = {
    find(tokenizer) {
      asked.push('record');
      return findDraft(bucket.files, tokenizer);
    },
    read(record) {
      asked.push('graph');
      return readDraftGraph(bucket.files, record);
    },
  };
  for (const { key } of (await bucket.files.list()).objects) await bucket.files.delete(key);
  vi.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(async () => {
  // Its session goes: other tests have the same runtime.
  for (let i = 0; i < 2; i++) {
    now += DRAIN_MS;
    await served.refresh(shelf, targetOf('0'.repeat(64)));
  }
  vi.restoreAllMocks();
});

const targetOf = (tokenizer: string, tokens = bundled.facts.vocabSize): DraftTarget => ({
  fingerprint: { tokenizer },
  hasToken: (id) => id < tokens,
});
const target = targetOf(bundled.facts.tokenizer);
const other = targetOf(OTHER);

function recordOf(graph: Uint8Array, changes: Partial<DraftRecord> = {}): DraftRecord {
  return {
    ...bundled.facts,
    layers: 1,
    id: 'shallow',
    tokenizer: OTHER,
    graph: createHash('sha256').update(graph).digest('hex'),
    bytes: graph.length,
    ...changes,
  };
}

/** Miniflare's proxy takes a buffer, and not Node's view of one. */
function putGraph(record: DraftRecord, graph: Uint8Array) {
  return bucket.files.put(draftGraphKey(record), Uint8Array.from(graph).buffer);
}

async function put(graph: Uint8Array, changes: Partial<DraftRecord> = {}): Promise<DraftRecord> {
  const record = recordOf(graph, changes);
  await putGraph(record, graph);
  await bucket.files.put(draftRecordKey(record.tokenizer), JSON.stringify(record));
  return record;
}

/** A graph whose last norm has no numbers for weights. */
function withoutNumbers(graph: Uint8Array): Uint8Array {
  const [weights] = readRows(readWeightIndex(DRAFT).get('model.norm.weight')!);
  const bytes = Buffer.from(graph);
  const at = bytes.indexOf(Buffer.from(weights!.buffer));
  expect(at).toBeGreaterThan(0);
  // All bits of a float32 set are a NaN.
  return bytes.fill(0xff, at, at + weights!.byteLength);
}

/** A minute later, as nothing is looked up sooner. */
async function refreshLater(of: DraftTarget, from = shelf): Promise<void> {
  now += LOOK_MS;
  await served.refresh(from, of);
}

/** The logits after one token: throws where the model does not run. */
async function say(model: EdgeModel): Promise<Float32Array> {
  const cache = new EdgeCache(model, 4);
  const row = cache.reserve();
  return cache.read([{ token: 300, position: 0, row, sees: [], committed: true }], [0]);
}

const stateOf = ({ fingerprint }: DraftTarget) => served.state(fingerprint.tokenizer);
const leaseFor = ({ fingerprint }: DraftTarget) => served.lease(fingerprint.tokenizer, ROWS);

describe('found by the tokenizer', () => {
  test('the bundled one serves its own target, once it was asked for', async () => {
    expect(stateOf(target)).toEqual({ state: 'cold' });
    expect(leaseFor(target)).toBeNull();
    await served.refresh(shelf, target);
    expect(stateOf(target)).toMatchObject({
      state: 'ready',
      id: 'espalier-tiny-draft',
      source: 'bundled',
    });
    expect(await say(leaseFor(target)!.model)).toHaveLength(bundled.facts.vocabSize);
  });

  test('a target of another tokenizer has none, and is told how to get one', async () => {
    await served.refresh(shelf, other);
    expect(stateOf(other)).toMatchObject({
      state: 'unfit',
      reason: expect.stringContaining('npx espalier draft add'),
    });
    expect(leaseFor(other)).toBeNull();
  });

  test('R2’s serves the target of another tokenizer', async () => {
    await put(shallow);
    await served.refresh(shelf, other);
    expect(stateOf(other)).toMatchObject({ state: 'ready', id: 'shallow', source: 'r2' });
    const { model } = leaseFor(other)!;
    expect(model.facts.layers).toBe(1);
    expect(await say(model)).toHaveLength(bundled.facts.vocabSize);
    expect(leaseFor(target)).toBeNull();
  });

  test('R2’s comes before the bundled one', async () => {
    await put(shallow, { tokenizer: bundled.facts.tokenizer });
    await served.refresh(shelf, target);
    expect(stateOf(target)).toMatchObject({ id: 'shallow', source: 'r2' });
  });

  test('the verifier’s next model is drafted for by its own', async () => {
    await put(shallow);
    await served.refresh(shelf, target);
    await served.refresh(shelf, other);
    expect(stateOf(other)).toMatchObject({ id: 'shallow' });
    expect(stateOf(target)).toEqual({ state: 'cold' });
    await served.refresh(shelf, target);
    expect(stateOf(target)).toMatchObject({ source: 'bundled' });
  });
});

describe('asked of R2', () => {
  test('once a minute, where there is none as where there is one', async () => {
    for (const step of [0, 1, LOOK_MS - 2]) {
      now += step;
      await served.refresh(shelf, other);
    }
    expect(asked).toEqual(['record']);
    await put(shallow);
    now += 1;
    await served.refresh(shelf, other);
    expect(asked).toEqual(['record', 'record', 'graph']);
    await served.refresh(shelf, other);
    await refreshLater(other);
    expect(asked).toEqual(['record', 'record', 'graph', 'record']);
  });

  test('by one of many that come at once', async () => {
    await put(shallow);
    await Promise.all(Array.from({ length: 5 }, () => served.refresh(shelf, other)));
    expect(asked).toEqual(['record', 'graph']);
  });

  test('again where the request that asked ended before it was answered', async () => {
    await put(shallow);
    const lost: DraftShelf = { ...shelf, find: () => new Promise(() => {}) };
    void served.refresh(lost, other);
    await refreshLater(other);
    expect(stateOf(other)).toMatchObject({ state: 'ready', id: 'shallow' });
  });

  test('in vain: what serves goes on, and /health says why it may be old', async () => {
    const down: DraftShelf = {
      find: () => Promise.reject(new Error('R2 is down')),
      read: () => Promise.reject(new Error('R2 is down')),
    };
    await served.refresh(down, other);
    expect(stateOf(other)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('down'),
    });
    await put(shallow);
    await refreshLater(other);
    now += LOOK_MS;
    await served.refresh(down, other);
    expect(stateOf(other)).toMatchObject({
      state: 'ready',
      id: 'shallow',
      refused: expect.stringContaining('down'),
    });
  });

  test('in vain for the graph: it is read again after a minute', async () => {
    await put(shallow);
    const halfDown = { ...shelf, read: () => Promise.reject(new Error('R2 is down')) };
    await served.refresh(halfDown, other);
    expect(stateOf(other)).toMatchObject({ state: 'failed' });
    await served.refresh(shelf, other);
    expect(leaseFor(other)).toBeNull();
    await refreshLater(other);
    expect(stateOf(other)).toMatchObject({ state: 'ready' });
  });
});

describe('swapped', () => {
  test('a newer one waits for the turns that have the old one, and new turns go without', async () => {
    await put(shallow);
    await served.refresh(shelf, other);
    const turns = [leaseFor(other)!, leaseFor(other)!];
    await put(bundled.graph, { ...bundled.facts, id: 'deep', tokenizer: OTHER });
    await refreshLater(other);
    expect(stateOf(other)).toMatchObject({ id: 'shallow' });
    expect(leaseFor(other)).toBeNull();
    expect(await say(turns[0]!.model)).toHaveLength(bundled.facts.vocabSize);
    turns[0]!.end();
    turns[0]!.end();
    await served.refresh(shelf, other);
    expect(stateOf(other)).toMatchObject({ id: 'shallow' });
    turns[1]!.end();
    await served.refresh(shelf, other);
    expect(stateOf(other)).toMatchObject({ id: 'deep' });
    expect(leaseFor(other)!.model.facts.layers).toBe(3);
    await expect(say(turns[1]!.model)).rejects.toThrow('another draft model');
  });

  test('while R2 hangs over the newer graph, the old one serves turns that begin', async () => {
    await put(shallow);
    await served.refresh(shelf, other);
    const { model, end } = leaseFor(other)!;
    end();
    await put(bundled.graph, { ...bundled.facts, id: 'deep', tokenizer: OTHER });
    let reads = 0;
    const hanging: DraftShelf = {
      ...shelf,
      read() {
        reads++;
        return new Promise(() => {});
      },
    };
    for (const expected of [1, 2]) {
      void refreshLater(other, hanging);
      await vi.waitFor(() => expect(reads).toBe(expected));
      const lease = leaseFor(other);
      expect(lease?.model).toBe(model);
      lease!.end();
    }
    await refreshLater(other);
    expect(stateOf(other)).toMatchObject({ id: 'deep' });
  });

  test('R2 that hangs after the newer graph was read does not keep turns waiting for it', async () => {
    await put(shallow);
    await served.refresh(shelf, other);
    const { end } = leaseFor(other)!;
    await put(bundled.graph, { ...bundled.facts, id: 'deep', tokenizer: OTHER });
    await refreshLater(other);
    expect(leaseFor(other)).toBeNull();
    end();
    const never = () => new Promise<never>(() => {});
    void refreshLater(other, { find: never, read: never });
    await vi.waitFor(() => expect(stateOf(other)).toMatchObject({ id: 'deep' }));
    expect(asked.filter((what) => what === 'graph')).toHaveLength(2);
  });

  test('a turn that never ends does not keep it waiting', async () => {
    await put(shallow);
    await served.refresh(shelf, other);
    const { model } = leaseFor(other)!;
    await put(bundled.graph, { ...bundled.facts, id: 'deep', tokenizer: OTHER });
    await refreshLater(other);
    now += DRAIN_MS;
    await served.refresh(shelf, other);
    expect(stateOf(other)).toMatchObject({ id: 'deep' });
    await expect(say(model)).rejects.toThrow('another draft model');
  });

  test('the same one again changes nothing', async () => {
    await put(shallow);
    await served.refresh(shelf, other);
    const { model, end } = leaseFor(other)!;
    await put(shallow);
    await refreshLater(other);
    end();
    await served.refresh(shelf, other);
    expect(leaseFor(other)!.model).toBe(model);
  });

  test('where R2’s was taken away the bundled one is back', async () => {
    const { tokenizer } = await put(shallow, { tokenizer: bundled.facts.tokenizer });
    await served.refresh(shelf, target);
    await bucket.files.delete(draftRecordKey(tokenizer));
    await refreshLater(target);
    expect(stateOf(target)).toMatchObject({ source: 'bundled' });
  });

  test('where R2’s was taken away and none is bundled there is none', async () => {
    await put(shallow);
    await served.refresh(shelf, other);
    await bucket.files.delete(draftRecordKey(OTHER));
    await refreshLater(other);
    expect(stateOf(other)).toMatchObject({ state: 'unfit' });
    expect(leaseFor(other)).toBeNull();
  });
});

describe('refused', () => {
  const broken = Uint8Array.from(shallow, (byte, i) => (i === 5000 ? byte ^ 1 : byte));
  const noGraph = new TextEncoder().encode('<!doctype html>');
  /** What stands in R2, made of the right one, and what is said of it. */
  const HOSTILE: Record<string, { said: string; put: () => Promise<unknown> }> = {
    'another graph under its hash': {
      said: 'has the sha256',
      put: async () => putGraph(await put(shallow), broken),
    },
    'half of a graph': {
      said: 'bytes and not',
      put: async () => putGraph(await put(shallow), shallow.subarray(9)),
    },
    'a record without its graph': {
      said: 'R2 has no drafts/',
      put: async () => bucket.files.delete(draftGraphKey(await put(shallow))),
    },
    'no graph': { said: 'open its graph', put: () => put(noGraph) },
    'a graph of more layers': {
      said: 'is not what its record says',
      put: () => put(bundled.graph),
    },
    'a graph of fewer layers': {
      said: 'is not what its record says',
      put: () => put(shallow, { layers: 2 }),
    },
    'a graph of other rows': {
      said: 'is not what its record says',
      put: () => put(shallow, { width: 32 }),
    },
    'a graph of a larger vocabulary': {
      said: 'it knows 6144 tokens and not 6143',
      put: () => put(shallow, { vocabSize: 6143 }),
    },
    'a graph that computes no numbers': {
      said: 'no numbers',
      put: () => put(withoutNumbers(shallow)),
    },
    'a vocabulary that the tokenizer does not have': {
      said: 'more than the tokenizer has',
      put: () => put(shallow, { vocabSize: 6145 }),
    },
    'another tokenizer’s record': {
      said: 'of the tokenizer cccc',
      put: () => {
        const record = recordOf(shallow, { tokenizer: 'c'.repeat(64) });
        return bucket.files.put(draftRecordKey(OTHER), JSON.stringify(record));
      },
    },
    'too large a graph': {
      said: '10.0 MB: add fewer layers',
      put: () => put(shallow, { bytes: MAX_DRAFT_BYTES + 1 }),
    },
    'too large a cache': {
      said: 'keys and values',
      put: () => put(shallow, { width: 8192, positions: 4096 }),
    },
    'a record that is no JSON': {
      said: 'no JSON',
      put: () => bucket.files.put(draftRecordKey(OTHER), '{'),
    },
    'a record of a megabyte': {
      said: '1000000 bytes',
      put: () => bucket.files.put(draftRecordKey(OTHER), ' '.repeat(1e6)),
    },
    'a record with a path for a hash': {
      said: 'graph: must be a hex sha256',
      put: () => {
        const record = { ...recordOf(shallow), graph: '../../../tenants/1/files/file-1' };
        return bucket.files.put(draftRecordKey(OTHER), JSON.stringify(record));
      },
    },
  };

  test.each(Object.keys(HOSTILE))('%s', async (name) => {
    const { said, put } = HOSTILE[name]!;
    await put();
    await served.refresh(shelf, other);
    expect(stateOf(other)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining(said),
    });
    expect(leaseFor(other)).toBeNull();
    // Not read again and again.
    const before = asked.filter((what) => what === 'graph').length;
    await refreshLater(other);
    expect(asked.filter((what) => what === 'graph')).toHaveLength(before);
  });

  test('the one before goes on, until there is a good one', async () => {
    const good = await put(shallow, { id: 'first' });
    await served.refresh(shelf, other);
    const { model, end } = leaseFor(other)!;
    end();
    await put(noGraph, { id: 'second' });
    await putGraph(recordOf(noGraph), new Uint8Array(noGraph.length));
    await refreshLater(other);
    expect(stateOf(other)).toMatchObject({
      state: 'ready',
      id: 'first',
      refused: expect.stringContaining('sha256'),
    });
    expect(leaseFor(other)!.model).toBe(model);
    await put(shallow, { ...good, id: 'third' });
    await refreshLater(other);
    now += DRAIN_MS;
    await served.refresh(shelf, other);
    expect(stateOf(other)).toMatchObject({ state: 'ready', id: 'third' });
    expect(stateOf(other)).not.toHaveProperty('refused');
  });

  test('one that can’t be opened leaves none where none is bundled, until there is a good one', async () => {
    await put(shallow);
    await served.refresh(shelf, other);
    await put(noGraph);
    await refreshLater(other);
    expect(stateOf(other)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('open its graph'),
    });
    expect(leaseFor(other)).toBeNull();
    await put(shallow);
    await refreshLater(other);
    expect(stateOf(other)).toMatchObject({ state: 'ready', id: 'shallow' });
  });

  test.each([
    ['the first', false],
    ['after one that could', true],
  ])('the bundled one serves where R2’s can’t be opened, %s', async (_, first) => {
    const { tokenizer } = bundled.facts;
    if (first) {
      await put(shallow, { tokenizer });
      await served.refresh(shelf, target);
      expect(stateOf(target)).toMatchObject({ source: 'r2' });
    }
    await put(noGraph, { tokenizer });
    await refreshLater(target);
    expect(stateOf(target)).toMatchObject({
      state: 'ready',
      source: 'bundled',
      refused: expect.stringContaining('open its graph'),
    });
    expect(await say(leaseFor(target)!.model)).toHaveLength(bundled.facts.vocabSize);
  });
});

test('the caches of all turns together keep their bound', async () => {
  await served.refresh(shelf, target);
  const bytes = draftCacheBytes(bundled.facts, ROWS);
  const most = Math.floor(MAX_CACHES_BYTES / bytes);
  const turns = Array.from({ length: most + 1 }, () => leaseFor(target));
  expect(turns.map((turn) => turn !== null)).toEqual(turns.map((_, i) => i < most));
  turns[0]!.end();
  expect(leaseFor(target)).not.toBeNull();
});

test('the caches of turns whose model was closed under them count until they end', async () => {
  const putNamed = (id: string) => put(bundled.graph, { ...bundled.facts, id, tokenizer: OTHER });
  await putNamed('first');
  await served.refresh(shelf, other);
  const most = Math.floor(MAX_CACHES_BYTES / draftCacheBytes(bundled.facts, ROWS));
  const turns = Array.from({ length: most }, () => leaseFor(other)!);
  await putNamed('second');
  await refreshLater(other);
  now += DRAIN_MS;
  await served.refresh(shelf, other);
  expect(stateOf(other)).toMatchObject({ id: 'second' });
  expect(leaseFor(other)).toBeNull();
  turns[0]!.end();
  expect(leaseFor(other)).not.toBeNull();
  expect(leaseFor(other)).toBeNull();
});
