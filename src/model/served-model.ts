/** The model that the verifier serves, which can change under a worker that knows another. */
import type { Bindings } from '../bindings.ts';
import { LinkFailure } from '../link/failure.ts';
import { loadModel, type ModelRecord, reloadModel } from './record.ts';

/**
 * Does `work` with the model as it is known, and once more from its beginning
 * where the verifier turns out to have been restarted with another: prompts,
 * biases and grammars are made with a model's tokenizer and mean nothing to the
 * next.
 */
export async function withServedModel<Result>(
  env: Bindings,
  work: (model: ModelRecord) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(await loadModel(env));
  } catch (error) {
    if (!(error instanceof LinkFailure && error.code === 'fingerprint')) throw error;
    return work(await reloadModel(env));
  }
}
