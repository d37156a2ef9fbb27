/** A graph's session as a draft model, tried before it is trusted, and closed for good. */
import type { InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import { type DraftFacts, DraftRefused } from '../../store/drafts.ts';
import { messageOf } from '../../store/message-of.ts';
import { EdgeCache, type EdgeModel, type EdgeSession } from './edge-model.ts';

/** ONNX Runtime, where it runs. */
export interface EdgeRuntime {
  createSession(graph: ArrayBuffer | Uint8Array): Promise<InferenceSession>;
  readonly Tensor: typeof Tensor;
  /** Bytes that it has taken. */
  heapBytes(): number;
}

export interface OpenedModel {
  model: EdgeModel;
  /** Frees the session. A turn that has the model still is refused its next pass. */
  close(): Promise<void>;
}

/** Rejects with `DraftRefused` where the graph is none, or not the one that the facts are of. */
export async function openEdgeModel(
  facts: DraftFacts,
  graph: ArrayBuffer | Uint8Array,
  { createSession, Tensor }: EdgeRuntime,
): Promise<OpenedModel> {
  const session = await createSession(graph).catch((error: unknown) => {
    throw new DraftRefused(`ONNX Runtime can't open its graph: ${messageOf(error)}`);
  });
  let closed = false;
  const guarded: EdgeSession = {
    run(feeds) {
      // The runtime knows sessions by their addresses, and another one may get this one's.
      if (closed) throw new Error('another draft model has taken the place of this one');
      return session.run(feeds);
    },
  };
  const opened: OpenedModel = {
    model: { facts, session: guarded, Tensor },
    async close() {
      closed = true;
      await session.release();
    },
  };
  try {
    await tryOut(opened.model);
    return opened;
  } catch (error) {
    await opened.close();
    throw new DraftRefused(`its graph is not what its record says: ${messageOf(error)}`);
  }
}

/** Reads two tokens, the second in a pass that sees the first: throws where a graph of these facts would not. */
async function tryOut(model: EdgeModel): Promise<void> {
  const { vocabSize } = model.facts;
  const cache = new EdgeCache(model, 2);
  for (const [position, token] of [0, vocabSize - 1].entries()) {
    const reading = { token, position, row: cache.reserve(), sees: [], committed: true };
    const logits = await cache.read([reading], [0]);
    if (logits.length !== vocabSize) {
      throw new Error(`it knows ${logits.length} tokens and not ${vocabSize}`);
    }
    if (!logits.every(Number.isFinite)) throw new Error('what it computes is no numbers');
  }
}
