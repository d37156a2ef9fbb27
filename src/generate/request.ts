/**
 * What is to be generated, and how: what every route that answers makes of its
 * body. Names are the same whichever route the request took.
 */
import type { Bindings } from '../bindings.ts';
import type { AcceptRuleName, GrammarSetting } from '../link/protocol/index.ts';
import type { ChatMessage } from '../model/chat-template.ts';
import type { ModelRecord } from '../model/record.ts';
import type { SearchOptions } from '../retrieve/search.ts';
import type { FileRecord } from '../store/files.ts';
import type { Namespace } from '../store/tenants.ts';
import type { Ablation } from './ablation.ts';
import type { FunctionTool } from './tools.ts';

export interface GenerationRequest {
  input: Conversation | Continuation;
  /** Of the tenant: searched for a conversation, drafted from in any case. */
  storeIds: readonly string[];
  /** Answers to each prompt. */
  choices: number;
  /** null: `DEFAULT_MAX_TOKENS`, or what the context leaves. */
  maxTokens: number | null;
  /** Strings that end an answer before them. */
  stop: readonly string[];
  sampling: SamplingRequest;
  /** Alternatives that are reported for each token, beside its log-probability; null: neither. */
  logprobs: number | null;
  /** What the text must be; null: anything. */
  grammar: GrammarSetting | null;
  speculation: SpeculationRequest;
  /** Milliseconds that it may wait for a slot of a verifier, less those that it has waited; `DEFAULT_MAX_WAIT_MS` where it does not say. */
  maxWaitMs?: number;
}

/** How long users tolerate a visible wait. */
export const DEFAULT_MAX_WAIT_MS = 30_000;

export function maxWaitOf({ maxWaitMs }: GenerationRequest): number {
  return maxWaitMs ?? DEFAULT_MAX_WAIT_MS;
}

/** Messages that the model's chat template makes a prompt of, with what is found for them. */
export interface Conversation {
  kind: 'conversation';
  messages: readonly ChatMessage[];
  /** What the chat template is given beside the messages, such as `enable_thinking`. */
  variables: Readonly<Record<string, unknown>>;
  /** Functions that the prompt describes. */
  functions: readonly FunctionTool[];
  /** What the stores are searched for: the last question. */
  query: string;
  /** How they are searched; `limit` bounds the passages in the prompt. */
  search: SearchOptions & { limit?: number | undefined };
  /** Files of the tenant's that the request brings: searched, or put into the prompt whole. */
  files: { records: readonly FileRecord[]; whole: boolean } | null;
}

/** Prompts that are continued as they are: without template, search and passages. */
interface Continuation {
  kind: 'continuation';
  prompts: readonly Int32Array[];
}

export interface SamplingRequest {
  /** Of choice 0, as two unsigned 32-bit halves [low, high]. */
  seed: Seed;
  /** null, these five: what the model's generation_config.json says. */
  temperature: number | null;
  topP: number | null;
  topK: number | null;
  minP: number | null;
  repetitionPenalty: number | null;
  frequencyPenalty: number;
  presencePenalty: number;
  /** Added to the logits of tokens, each named once. */
  logitBias: [token: number, bias: number][];
}

export type Seed = [low: number, high: number];

/** How answers are drafted. Nothing but `transfer` and `accept` changes what they say. */
export interface SpeculationRequest {
  /** `off` decodes plainly, one token a step. */
  mode: 'on' | 'off';
  /** The most nodes verified in a step. */
  budget: number;
  /** Whether the tenant's earlier answers are drafted from, and these left to later ones. */
  memory: boolean;
  /** Whether the draft model in the worker takes part while it pays. */
  draftModel: 'auto' | 'off';
  /** η of RAPID's knowledge transfer; above 0 the answer is no longer the target's own. */
  transfer: number;
  /** How candidates are accepted: `match` gives the target's own answer. */
  accept: AcceptRuleName;
  /** Text that the answer is expected to have. */
  prediction: Int32Array | null;
  ablation: Ablation;
}

/** What all answers to a request are generated with. */
export interface AnswerContext {
  env: Bindings;
  /** Derived on the server. */
  namespace: Namespace;
  model: ModelRecord;
}

/** Answers that the request asks for: those of the first prompt, then those of the next. */
export function answerCount({ input, choices }: GenerationRequest): number {
  return choices * (input.kind === 'continuation' ? input.prompts.length : 1);
}

/** Choice i is what a request for one answer gives with the seed i higher, so each can be asked for again. */
export function seedOfChoice([low, high]: Seed, choice: number): Seed {
  const sum = low + choice;
  return [sum >>> 0, (high + Math.floor(sum / 2 ** 32)) >>> 0];
}
