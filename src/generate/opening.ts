/** The `open` frame of an answer: its prompt, its sampling and its limits. */
import type { Open } from '../link/protocol/index.ts';
import type { ModelRecord } from '../model/record.ts';
import type { Namespace } from '../store/tenants.ts';
import type { Material } from './material.ts';
import { type GenerationRequest, maxWaitOf, type SamplingRequest, type Seed } from './request.ts';

/** @param seed of this answer among the request's choices */
export function openingOf(
  model: ModelRecord,
  namespace: Namespace,
  request: GenerationRequest,
  { prompt, maxTokens }: Material,
  seed: Seed,
): Open {
  const { sampling, speculation, logprobs, grammar } = request;
  const { mode, ablation, budget, memory, transfer, accept } = speculation;
  return {
    prompt: prompt.tokens,
    settings: {
      fingerprint: model.fingerprint,
      namespace: namespace.key,
      sampling: {
        seed,
        ...samplingFor(model, sampling),
        ...(sampling.frequencyPenalty !== 0 && { frequencyPenalty: sampling.frequencyPenalty }),
        ...(sampling.presencePenalty !== 0 && { presencePenalty: sampling.presencePenalty }),
        ...(sampling.logitBias.length > 0 && { logitBias: sampling.logitBias }),
      },
      maxTokens,
      stopIds: model.eosIds,
      drafting: mode === 'off' ? 'off' : (ablation.trees ?? 'echoed'),
      budget,
      regions: prompt.regions.map(({ start, end, source }) => [start, end, source]),
      ...(prompt.excerpts.length > 0 && {
        excerpts: prompt.excerpts.map(({ start, end }): [number, number] => [start, end]),
      }),
      resumed: 0,
      ...(transfer > 0 && { transfer }),
      ...(accept !== 'match' && { accept }),
      remember: memory,
      logprobs,
      ...(grammar && { grammar }),
      maxWaitMs: maxWaitOf(request),
    },
  };
}

/** What the request leaves open is as generation_config.json has it. As in transformers: greedy unless it says to sample. */
function samplingFor({ generation }: ModelRecord, asked: SamplingRequest) {
  const number = (name: string, fallback: number) => {
    const value = generation[name];
    return typeof value === 'number' ? value : fallback;
  };
  const samples = generation.do_sample === true;
  const minP = asked.minP ?? number('min_p', 0);
  const repetitionPenalty = asked.repetitionPenalty ?? number('repetition_penalty', 1);
  return {
    temperature: asked.temperature ?? (samples ? number('temperature', 1) : 0),
    topP: asked.topP ?? number('top_p', 1),
    topK: asked.topK ?? number('top_k', 0),
    ...(minP !== 0 && { minP }),
    ...(repetitionPenalty !== 1 && { repetitionPenalty }),
  };
}
