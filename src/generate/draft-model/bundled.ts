/**
 * The draft model that comes with the worker. Its session is made once an
 * isolate, after an answer or on /health, never while somebody waits for a first
 * token; until then turns go without. If it can't be made they always do.
 */
import facts from '../../../models/draft/edge.json';
import model from '../../../models/draft/edge.onnx';
import type { Bindings } from '../../bindings.ts';
import { createSession, heapBytes, Tensor } from '../../onnx/runtime.ts';
import type { EdgeModel } from './edge-model.ts';

export type DraftModelState =
  | {
      state: 'ready';
      create_ms: number;
      /** Of WebAssembly, all models of the isolate together. */
      heap_bytes: number;
    }
  | { state: 'cold' }
  | { state: 'off' }
  | { state: 'unfit' | 'failed'; reason: string };

/** Finished only: a promise made by one request can't be awaited by another. */
let made: EdgeModel | undefined;
let createMs = 0;
let failure: string | undefined;
let making = false;

/** The model if it is warm and reads the target's token ids, else null. */
export function readyModel(env: Bindings, tokenizer: string): EdgeModel | null {
  return stateOf(env, tokenizer).state === 'ready' ? made! : null;
}

function stateOf({ DRAFT_MODEL = 'bundled' }: Bindings, tokenizer: string): DraftModelState {
  if (DRAFT_MODEL === 'none') return { state: 'off' };
  if (DRAFT_MODEL !== 'bundled') {
    const reason = `DRAFT_MODEL is "${DRAFT_MODEL}": set it to "bundled" or "none"`;
    return { state: 'failed', reason };
  }
  if (tokenizer !== facts.tokenizer) {
    const reason = 'the target has another tokenizer: train a draft for it with models/recipe';
    return { state: 'unfit', reason };
  }
  if (failure !== undefined) return { state: 'failed', reason: failure };
  return made
    ? { state: 'ready', create_ms: createMs, heap_bytes: heapBytes() }
    : { state: 'cold' };
}

/** Makes the session if it is to be made. Never rejects. */
export async function warmUp(env: Bindings, tokenizer: string): Promise<DraftModelState> {
  const now = stateOf(env, tokenizer);
  if (now.state !== 'cold' || making) return now;
  making = true;
  const started = Date.now();
  try {
    made = { facts, session: await createSession(model), Tensor };
    // Clocks stand still while a worker computes: let it move before it is read.
    await new Promise((resolve) => setTimeout(resolve, 0));
    createMs = Date.now() - started;
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
    console.error(JSON.stringify({ event: 'draft_model_failed', error: failure }));
  } finally {
    making = false;
  }
  return stateOf(env, tokenizer);
}
