/**
 * ONNX Runtime in workerd. Its loader compiles WebAssembly from bytes, which
 * workers must not; the module that the bundle holds compiled is put in the
 * place of that one call.
 */

import compiled from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import * as ort from 'onnxruntime-web/wasm';

/** What the loader is given as its bytes, and hands on in a copy: recognised by its size, never read. */
const PLACEHOLDER = new Uint8Array(8);

ort.env.wasm.numThreads = 1;
ort.env.wasm.proxy = false;
ort.env.wasm.wasmBinary = PLACEHOLDER;

/** Linear memories of the runtime: it has one, imported or its own. */
const memories: WebAssembly.Memory[] = [];

function memoriesOf(module: object): WebAssembly.Memory[] {
  return Object.values(module).filter((value) => value instanceof WebAssembly.Memory);
}

/** Bytes that WebAssembly has taken: sessions, and what runs needed at most. It never gives back. */
export function heapBytes(): number {
  return memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}

const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = async function instantiateCompiled(
  source: unknown,
  imports?: WebAssembly.Imports,
) {
  if (source instanceof WebAssembly.Module) return instantiate(source, imports);
  if ((source as ArrayBuffer).byteLength !== PLACEHOLDER.length) {
    throw new Error('only the bundled WebAssembly can be run here');
  }
  const instance = await instantiate(compiled, imports);
  memories.push(
    ...memoriesOf(instance.exports),
    ...Object.values(imports ?? {}).flatMap(memoriesOf),
  );
  return { instance, module: compiled };
} as typeof WebAssembly.instantiate;

/** A session on one thread. Make it inside a request or an object's event, not at start. */
export function createSession(model: ArrayBuffer | Uint8Array): Promise<ort.InferenceSession> {
  const bytes = model instanceof Uint8Array ? model : new Uint8Array(model);
  return ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
}

export type InferenceSession = ort.InferenceSession;
export const { Tensor } = ort;
