/** The `open` frame of an answer: what the verifier is told of its prompt, its sampling and its limits. */
import type { Open } from '../link/protocol/index.ts';
import type { ModelRecord } from '../model/record.ts';
import type { Namespace } from '../store/tenants.ts';
import type { Material } from './material.ts';
import { type GenerationRequest, maxWaitOf, type Seed } from './request.ts';

/** @param seed of this answer among the request's choices */
export function openingOf(
  model: ModelRecord,
  namespace: Namespace,
  request: GenerationRequest,
  { prompt, maxTokens }: Material,
  seed: Seed,
): Open {
  const { sampling, speculation, logprobs, grammar } = request;
  const { mode, ablation, budget, memory, transfer } = speculation;
  const defaults = defaultSampling(model);
  return {
    prompt: prompt.tokens,
    settings: {
      fingerprint: model.fingerprint,
      namespace: namespace.key,
      sampling: {
        seed,
        temperature: sampling.temperature ?? defaults.temperature,
        topP: sampling.topP ?? defaults.topP,
        topK: sampling.topK ?? defaults.topK,
        ...(sampling.frequencyPenalty !== 0 && { frequencyPenalty: sampling.frequencyPenalty }),
        ...(sampling.presencePenalty !== 0 && { presencePenalty: sampling.presencePenalty }),
        ...(sampling.logitBias.length > 0 && { logitBias: sampling.logitBias }),
      },
      maxTokens,
      stopIds: model.eosIds,
      drafting: mode === 'off' ? 'off' : (ablation.trees ?? 'echoed'),
      budget,
      regions: prompt.regions.map(({ start, end, source }) => [start, end, source]),
      resumed: 0,
      ...(transfer > 0 && { transfer }),
      remember: memory,
      logprobs,
      ...(grammar && { grammar }),
      maxWaitMs: maxWaitOf(request),
    },
  };
}

/** What generation_config.json says, as transformers reads it: greedy unless it says to sample. */
function defaultSampling({ generation }: ModelRecord) {
  const number = (name: string, fallback: number) => {
    const value = generation[name];
    return typeof value === 'number' ? value : fallback;
  };
  return {
    temperature: generation.do_sample === true ? number('temperature', 1) : 0,
    topP: number('top_p', 1),
    topK: number('top_k', 0),
  };
}
