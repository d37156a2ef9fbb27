/**
 * What an isolate's draft model is served from: R2 and ONNX Runtime's WebAssembly build as
 * they are, with a clock that the tests turn, and graphs of the bundled draft to put there.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web/wasm';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { buildEdgeDecoder } from '../../gpu-backend/builder/edge-decoder.ts';
import { ROOT } from '../../local/root.ts';
import { type DraftShelf, LOOK_MS } from '../../src/generate/draft-model/draft-choice.ts';
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

/** The bundled draft's checkpoint. */
export const DRAFT = join(ROOT, 'models/draft');
export const bundled = {
  facts: JSON.parse(readFileSync(join(DRAFT, 'edge.json'), 'utf8')) as DraftFacts,
  graph: readFileSync(join(DRAFT, 'edge.onnx')),
};
/** Its first layer. */
export const shallow = buildEdgeDecoder(DRAFT, { ...bundled.facts, layers: 1 });
/** The tokenizer of another target. */
export const OTHER = 'b'.repeat(64);
/** Of a turn's cache. */
export const ROWS = 1024;
const runtime = {
  createSession: (graph: ArrayBuffer | Uint8Array) =>
    ort.InferenceSession.create(graph instanceof Uint8Array ? graph : new Uint8Array(graph)),
  Tensor: ort.Tensor,
  heapBytes: () => 1,
};

ort.env.wasm.numThreads = 1;

const targetOf = (tokenizer: string, tokens = bundled.facts.vocabSize): DraftTarget => ({
  fingerprint: { tokenizer },
  hasToken: (id) => id < tokens,
});
/** The bundled draft's. */
export const target = targetOf(bundled.facts.tokenizer);
export const other = targetOf(OTHER);

export function recordOf(graph: Uint8Array, changes: Partial<DraftRecord> = {}): DraftRecord {
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

/** The logits after one token: throws where the model does not run. */
export async function say(model: EdgeModel): Promise<Float32Array> {
  const cache = new EdgeCache(model, 4);
  const row = cache.reserve();
  return cache.read([{ token: 300, position: 0, row, sees: [], committed: true }], [0]);
}

/** One R2 for a file's tests, empty before each, and a draft that is served anew. */
export class ServedWorld {
  now = 0;
  /** What was asked of R2. */
  readonly asked: string[] = [];
  served = new ServedDraft(runtime, bundled, () => this.now);
  readonly shelf: DraftShelf = {
    find: (tokenizer) => {
      this.asked.push('record');
      return findDraft(this.bucket.files, tokenizer);
    },
    read: (record) => {
      this.asked.push('graph');
      return readDraftGraph(this.bucket.files, record);
    },
  };
  private local: LocalBucket | undefined;

  /** Registers what runs before and after the file's tests. */
  constructor() {
    beforeAll(async () => {
      this.local = await localBucket();
    });
    afterAll(() => this.local?.close());
    beforeEach(async () => {
      this.now = 0;
      this.asked.length = 0;
      this.served = new ServedDraft(runtime, bundled, () => this.now);
      for (const { key } of (await this.bucket.files.list()).objects) {
        await this.bucket.files.delete(key);
      }
      vi.spyOn(console, 'error').mockImplementation(() => {});
    });
    afterEach(async () => {
      // Its session goes: other tests have the same runtime.
      for (let i = 0; i < 2; i++) {
        this.now += DRAIN_MS;
        await this.served.refresh(this.shelf, targetOf('0'.repeat(64)));
      }
      vi.restoreAllMocks();
    });
  }

  get bucket(): LocalBucket {
    if (!this.local) throw new Error('there is a bucket only while tests run');
    return this.local;
  }

  /** Miniflare's proxy takes a buffer, and not Node's view of one. */
  putGraph(record: DraftRecord, graph: Uint8Array) {
    return this.bucket.files.put(draftGraphKey(record), Uint8Array.from(graph).buffer);
  }

  async put(graph: Uint8Array, changes: Partial<DraftRecord> = {}): Promise<DraftRecord> {
    const record = recordOf(graph, changes);
    await this.putGraph(record, graph);
    await this.bucket.files.put(draftRecordKey(record.tokenizer), JSON.stringify(record));
    return record;
  }

  refresh(of: DraftTarget, from = this.shelf): Promise<void> {
    return this.served.refresh(from, of);
  }

  /** A minute later, as nothing is looked up sooner. */
  refreshLater(of: DraftTarget, from = this.shelf): Promise<void> {
    this.now += LOOK_MS;
    return this.refresh(of, from);
  }

  stateOf({ fingerprint }: DraftTarget) {
    return this.served.state(fingerprint.tokenizer);
  }

  leaseFor({ fingerprint }: DraftTarget) {
    return this.served.lease(fingerprint.tokenizer, ROWS);
  }
}
