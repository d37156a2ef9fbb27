/**
 * Answers to a request: the links' connections and retrieval at once, then the
 * prompt, then a turn for each choice.
 */
import type { Bindings } from '../bindings.ts';
import { TurnLink } from '../link/failover.ts';
import type { DraftingMode, GrammarSetting } from '../link/protocol/index.ts';
import type { Observation } from '../meter/metric-names.ts';
import type { ModelRecord } from '../model/record.ts';
import type { ChatMessage } from '../model/tokenizer.ts';
import type { Passage, SearchOptions } from '../retrieve/search.ts';
import type { FileRecord } from '../store/files.ts';
import { namespaceOf, type Tenant } from '../store/tenants.ts';
import type { DraftModelUse, ModelUsage } from './draft-model/turn-model.ts';
import { type Citable, gather, type Material } from './material.ts';
import { openAnswer } from './open-answer.ts';
import type { Pace } from './pace.ts';
import type { Predicted } from './predicted.ts';
import type { Speculation } from './speculation.ts';
import type { Step } from './text-stream.ts';
import type { FunctionTool } from './tools.ts';
import { linkContext } from './verifiers.ts';

export interface AnswerRequest {
  messages: ChatMessage[];
  /** Continued as it is, where it is given: without messages, template, search and passages. */
  prompt?: Int32Array;
  /** What is searched with: the last question. */
  query: string;
  storeIds: readonly string[];
  /** How they are searched; `limit` is of the passages in the prompt. */
  search?: SearchOptions & { limit?: number | undefined };
  /** Files of the tenant's that the request brings: searched, or given to the target whole. */
  attached?: { files: readonly FileRecord[]; whole: boolean };
  /** null: `DEFAULT_MAX_TOKENS`, or what the context leaves. */
  maxTokens: number | null;
  stop: readonly string[];
  seed: [number, number];
  /** null, these three: what the model's generation_config says. */
  temperature: number | null;
  topP: number | null;
  topK: number | null;
  frequencyPenalty: number;
  presencePenalty: number;
  /** Added to the logits of tokens, each named once. */
  logitBias: [token: number, bias: number][];
  /** How many alternatives are told of each token, beside its log-probability; null or absent: neither. */
  logprobs?: number | null;
  /** Functions that the prompt tells of. */
  functions?: readonly FunctionTool[];
  /** What its text must be; null or absent: anything. */
  grammar?: GrammarSetting | null;
  drafting: DraftingMode;
  budget: number;
  /** Whether it is drafted from what the tenant's earlier answers left, and leaves something itself. */
  memory: boolean;
  /** Whether the target's guesses at every verified token are drafted from too; needs `memory`. */
  recycle: boolean;
  draftModel: DraftModelUse;
  /** Text that the answer is expected to have: drafted from, whatever else is. */
  prediction?: Int32Array | null;
  /** η of RAPID's knowledge transfer; above 0 the answer is no longer the target's own. */
  transfer: number;
}

export interface Answer {
  model: ModelRecord;
  /** Those in the prompt; of documents that are in it whole, those that the draft model reads. */
  passages: Passage[];
  /** All that the prompt has of documents. */
  citable: readonly Citable[];
  promptTokens: number;
  /** Of the prompt, what the verifier had in its KV cache. */
  cachedTokens: number;
  /** Steps as they come. Throws `LinkFailure` when the verifier is lost. */
  steps(): AsyncGenerator<Step>;
  /** Known once `steps` ended. */
  finish(): 'stop' | 'length';
  speculation: Speculation;
  pace: Pace;
  /** Whether it was said to its end. */
  whole(): boolean;
  /** What the answer has of the request's prediction, where there is one. */
  predicted: Predicted | null;
  /** What the draft model did; null where it took no part. */
  draftModel(): ModelUsage | null;
  /** What it asked of the tenant's memory, for the metrics. */
  asked(): Observation[];
  /** Leaves what it said to later answers, if it was said to its end. Never rejects; nobody need wait. */
  remember(): Promise<void>;
  /** Frees the verifier's session; safe at any time. */
  cancel(): void;
}

/**
 * Begins an answer and waits until the verifier has taken it, so that what can
 * fail early fails before the first byte: `PromptTooLong`, `LinkFailure`.
 */
export async function startAnswer(
  env: Bindings,
  tenant: Tenant,
  model: ModelRecord,
  request: AnswerRequest,
): Promise<Answer> {
  const [answer] = await startAnswers(env, tenant, model, request, [request.seed]);
  return answer!;
}

/**
 * The same for several answers to one request, one a seed, which share what was
 * retrieved and the prompt. Where one can't begin none does.
 */
export async function startAnswers(
  env: Bindings,
  tenant: Tenant,
  model: ModelRecord,
  request: AnswerRequest,
  seeds: readonly [number, number][],
): Promise<Answer[]> {
  const namespace = await namespaceOf(tenant, model.fingerprint);
  const links = seeds.map(() => new TurnLink(linkContext(env, model.fingerprint)));
  let material: Material;
  try {
    material = await gather(env, namespace, model, request);
  } catch (error) {
    for (const link of links) link.close();
    throw error;
  }
  const opened = await Promise.allSettled(
    seeds.map((seed, i) =>
      openAnswer(env, namespace, model, { ...request, seed }, material, links[i]!),
    ),
  );
  const answers = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refused = opened.find((one) => one.status === 'rejected');
  if (!refused) return answers;
  for (const answer of answers) answer.cancel();
  throw refused.reason;
}
