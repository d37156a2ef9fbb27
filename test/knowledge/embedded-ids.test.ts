/** Lists of token ids are read in slices before they are embedded, as texts are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Embedder } from '../../src/retrieve/embed/embedder.ts';
import type { Manifest } from '../../src/retrieve/embed/manifest.ts';
import { TARGET } from '../support/model-server.ts';

// The runtime itself is a WebAssembly module, which only workers import.
vi.mock('../../src/onnx/runtime.ts', () => ({
  Tensor: class {
    readonly dims: readonly number[];
    constructor(_type: string, _data: unknown, dims: readonly number[]) {
      this.dims = dims;
    }
  },
}));

const LISTS = 8;
const LONG = 32_768;

test('others are served between two long lists', async () => {
  const timers = vi.spyOn(globalThis, 'setTimeout');
  const pausedBefore: number[] = [];
  const session = {
    inputNames: ['input_ids', 'token_weights'],
    outputNames: ['sentence_embedding'],
    async run({ input_ids }: { input_ids: { dims: readonly number[] } }) {
      pausedBefore.push(timers.mock.calls.length);
      const texts = input_ids.dims[0]!;
      return {
        sentence_embedding: { data: new Float32Array(2 * texts).fill(1), dims: [texts, 2] },
      };
    },
  };
  const manifest = { id: 'two', dimensions: 2, pooling: 'sentence', maxTokens: null };
  const tokenizer = JSON.parse(readFileSync(join(TARGET, 'tokenizer.json'), 'utf8'));
  // By its name only, as the tests' types have no workers' runtime.
  const { createOnnxEmbedder } = await vi.importActual<{
    createOnnxEmbedder(manifest: Manifest, session: unknown, json: object): Promise<Embedder>;
  }>('../../src/retrieve/embed/onnx-embedder.ts');
  const { ids } = await createOnnxEmbedder(
    { ...manifest, queryPrefix: '', passagePrefix: '' } as unknown as Manifest,
    session,
    tokenizer,
  );
  pausedBefore.length = 0;
  timers.mockClear();
  const lists = Array.from({ length: LISTS }, () => Array.from({ length: LONG }, (_, i) => i % 9));
  expect(await ids!.embed(lists)).toHaveLength(LISTS);
  expect(pausedBefore[0]).toBe(Math.floor((LISTS - 1) / 2));
});
