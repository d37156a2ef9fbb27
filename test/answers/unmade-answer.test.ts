/** An answer that can't be made leaves no connection to a verifier behind. */
import { afterEach, expect, test, vi } from 'vitest';

// What is opened here needs none of these: what runs on the platform runs in the service.
vi.mock('cloudflare:workers', () => ({ DurableObject: class {} }));
vi.mock('../../models/draft/edge.onnx', () => ({ default: new ArrayBuffer(0) }));
// It puts itself in the place of WebAssembly's loader, also for other files of this process.
vi.mock('../../src/onnx/runtime.ts', () => ({
  createSession: null,
  heapBytes: null,
  Tensor: null,
}));

afterEach(() => {
  vi.unstubAllGlobals();
});

test('its link is closed', async () => {
  // Its types are the worker's, which these are not.
  const { Answer } = await vi.importActual<{
    Answer: { openAll(...args: unknown[]): Promise<unknown> };
  }>('../../src/generate/answer.ts');
  const socket = { accept() {}, send() {}, addEventListener() {}, close: vi.fn() };
  vi.stubGlobal('fetch', async () => ({ webSocket: socket }));
  const fault = new Error('unreadable');
  const model = {
    fingerprint: { model: 'm', tokenizer: 't' },
    maxContext: 64,
    get generation(): never {
      throw fault;
    },
  };
  const request = {
    input: { kind: 'continuation', prompts: [Int32Array.of(1, 2)] },
    choices: 1,
    sampling: { seed: [1, 0], logitBias: [] },
    speculation: { mode: 'off', ablation: {} },
  };
  const env = { VERIFIER_URL: 'http://verifier.test' };
  const hooks = { onPrepared() {}, clientLeft: new AbortController().signal };
  await expect(Answer.openAll(env, { id: 1 }, model, request, hooks)).rejects.toBe(fault);
  await expect.poll(() => socket.close.mock.calls.length).toBe(1);
});
