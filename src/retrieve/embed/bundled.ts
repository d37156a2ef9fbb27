/** The encoder that comes with the worker, made once an isolate. */
import model from '../../../models/embedder/model.onnx';
import tokenizerJson from '../../../models/embedder/tokenizer.json';
import { createSession } from '../../onnx/runtime.ts';
import type { Embedder } from './embedder.ts';
import { createOnnxEmbedder } from './onnx-embedder.ts';

/** Changes with the weights: vectors of another id are not compared with these. */
export const BUNDLED_EMBEDDER = 'espalier-embed-1';

/** Finished only: a promise made by one request can't be awaited by another. */
let made: Embedder | undefined;

export async function bundledEmbedder(): Promise<Embedder> {
  made ??= await createOnnxEmbedder(BUNDLED_EMBEDDER, await createSession(model), tokenizerJson);
  return made;
}
