/** What every route that answers does before a turn. */
import { type Answer, type AnswerRequest, startAnswer } from '../../generate/answer.ts';
import type { ModelRecord } from '../../model/record.ts';
import { defaultStores, findStore } from '../../store/stores.ts';
import type { AppEnv } from '../context.ts';
import { invalid, notFound, type Path } from '../errors.ts';
import { type SpeculationRequest, seedHalves } from './request-fields.ts';
import { cancelAll } from './together.ts';

/** Fields of a body that say how its text is drawn, whatever it is asked with. */
export interface Drawing {
  temperature?: number | null | undefined;
  top_p?: number | null | undefined;
  top_k?: number | null | undefined;
  seed?: number | null | undefined;
  stop?: string | string[] | null | undefined;
  frequency_penalty?: number | null | undefined;
  presence_penalty?: number | null | undefined;
  logit_bias?: [token: number, bias: number][] | null | undefined;
  speculation: SpeculationRequest;
}

/** How a turn is drawn and drafted, as its request says. Throws the `ApiFailure` of a token that there is not. */
export function drawingOf(body: Drawing, model: ModelRecord) {
  const logitBias = body.logit_bias ?? [];
  const strange = logitBias.find(([id]) => !model.hasToken(id));
  if (strange) {
    throw invalid(['logit_bias'], `${strange[0]} is no token of "${model.id}"`);
  }
  const { mode, budget, memory, recycle, draft_model, transfer } = body.speculation;
  return {
    stop: typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []),
    seed: seedHalves(body.seed),
    temperature: body.temperature ?? null,
    topP: body.top_p ?? null,
    topK: body.top_k ?? null,
    frequencyPenalty: body.frequency_penalty ?? 0,
    presencePenalty: body.presence_penalty ?? 0,
    logitBias,
    drafting: mode === 'on' ? 'echoed' : mode,
    budget,
    memory,
    recycle,
    draftModel: draft_model,
    transfer,
  } satisfies Partial<AnswerRequest>;
}

/** Choice i of a prompt is what one alone is with the seed i higher: anyone can ask for it again. */
export function seedOfChoice([low, high]: [number, number], choice: number): [number, number] {
  const sum = low + choice;
  return [sum >>> 0, (high + Math.floor(sum / 2 ** 32)) >>> 0];
}

/** A ceiling above the context is a mistake worth naming; one within it is cut to what the prompt leaves. */
export function requireRoom(model: ModelRecord, maxTokens: number | null): void {
  if (maxTokens !== null && maxTokens > model.maxContext) {
    throw invalid(
      ['max_tokens'],
      `at most ${model.maxContext}, the model's context`,
      'context_length_exceeded',
    );
  }
}

/** The stores asked for in the field at `path`, which must be the tenant's; its default where none were. */
export async function requireStores(
  env: AppEnv['Bindings'],
  tenant: AppEnv['Variables']['tenant'],
  asked: readonly string[] | null | undefined,
  path: Path = ['vector_store_ids'],
): Promise<readonly string[]> {
  if (!asked) return defaultStores(env, tenant);
  const found = await Promise.all(asked.map((id) => findStore(env, tenant.id, id)));
  const missing = asked.find((_, i) => !found[i]);
  if (missing !== undefined) {
    throw notFound(path, `there is no store "${missing}"`);
  }
  return asked;
}

/** Begins several answers at once. Where one can't, none goes on, and its failure is thrown. */
export async function startAll(
  env: AppEnv['Bindings'],
  tenant: AppEnv['Variables']['tenant'],
  model: ModelRecord,
  requests: readonly AnswerRequest[],
): Promise<Answer[]> {
  const begun = await Promise.allSettled(
    requests.map((request) => startAnswer(env, tenant, model, request)),
  );
  const answers = begun.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = begun.find((one) => one.status === 'rejected');
  if (!failed) return answers;
  cancelAll(answers);
  throw failed.reason;
}
