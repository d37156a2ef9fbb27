/** How a body's answers are drawn and drafted. */
import type { SamplingRequest, Seed, SpeculationRequest } from '../../generate/request.ts';
import type { ModelRecord } from '../../model/record.ts';
import { invalid } from '../errors.ts';
import { requireAccept } from './accept-field.ts';
import type { SpeculationFields } from './speculation-fields.ts';

/** Fields that say how text is drawn, under the same names in every route. */
interface SamplingFields {
  temperature?: number | null | undefined;
  top_p?: number | null | undefined;
  top_k?: number | null | undefined;
  min_p?: number | null | undefined;
  repetition_penalty?: number | null | undefined;
  seed?: bigint | null | undefined;
  frequency_penalty?: number | null | undefined;
  presence_penalty?: number | null | undefined;
  logit_bias?: [token: number, bias: number][] | null | undefined;
}

/** Throws the `ApiFailure` of a bias on a token that there is not. */
export function samplingOf(body: SamplingFields, model: ModelRecord): SamplingRequest {
  const logitBias = body.logit_bias ?? [];
  const strange = logitBias.find(([id]) => !model.hasToken(id));
  if (strange) throw invalid(['logit_bias'], `${strange[0]} is no token of "${model.id}"`);
  return {
    seed: seedOf(body.seed),
    temperature: body.temperature ?? null,
    topP: body.top_p ?? null,
    topK: body.top_k ?? null,
    minP: body.min_p ?? null,
    repetitionPenalty: body.repetition_penalty ?? null,
    frequencyPenalty: body.frequency_penalty ?? 0,
    presencePenalty: body.presence_penalty ?? 0,
    logitBias,
  };
}

/** Throws the `ApiFailure` of an accept rule that can't be asked for. */
export function speculationOf(
  { mode, budget, memory, draft_model, transfer, accept, ablation }: SpeculationFields,
  model: ModelRecord,
  prediction: Int32Array | null = null,
): SpeculationRequest {
  requireAccept(accept, model);
  return {
    mode,
    budget,
    memory,
    draftModel: draft_model,
    transfer,
    accept,
    prediction,
    ablation: { trees: ablation?.trees, draftModel: ablation?.draft_model },
  };
}

export function stopsOf(stop: string | string[] | null | undefined): readonly string[] {
  return typeof stop === 'string' ? [stop] : (stop ?? []);
}

/** Any integer of 64 bits, or none, to those that key the noise. */
function seedOf(seed: bigint | null | undefined): Seed {
  if (seed === null || seed === undefined) {
    const [low, high] = crypto.getRandomValues(new Uint32Array(2));
    return [low!, high!];
  }
  const bits = BigInt.asUintN(64, seed);
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}
