/**
 * One turn put together: retrieval and the link's connection at once, then the
 * prompt, then text as the verifier commits it.
 */
import type { Bindings } from '../bindings.ts';
import type { LinkEvent } from '../link/client.ts';
import { TurnLink } from '../link/failover.ts';
import { LinkFailure } from '../link/failure.ts';
import type { DraftingMode, GrammarSetting, Open } from '../link/frames/index.ts';
import type { Passage, SearchOptions } from '../retrieve/search.ts';
import type { FileRecord } from '../store/files.ts';
import type { Observation } from '../store/metric-names.ts';
import { loadModel, type ModelRecord, reloadModel } from '../store/model.ts';
import { namespaceOf, type Tenant } from '../store/tenants.ts';
import type { ChatMessage } from '../store/tokenizer.ts';
import { warmUp } from './draft-model/bundled.ts';
import {
  DraftingModel,
  type DraftModelUse,
  type ModelUsage,
  plainDrafter,
} from './draft-model/turn-model.ts';
import { type Citable, gather, type Material } from './material.ts';
import { Said } from './memory/said.ts';
import { rememberedDrafter } from './memory/turn-drafter.ts';
import { TurnMemory } from './memory/turn-memory.ts';
import { Pace } from './pace.ts';
import { spareSpans } from './spare-spans.ts';
import { Speculation } from './speculation.ts';
import { type Step, TextStream } from './text-stream.ts';
import type { FunctionTool } from './tools.ts';
import { type Drafting, runTurn, WIRE_NODES } from './turn.ts';
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
 * fail early fails before the first byte: `ModelUnavailable`, `PromptTooLong`,
 * `LinkFailure`.
 */
export async function startAnswer(
  env: Bindings,
  tenant: Tenant,
  request: AnswerRequest,
): Promise<Answer> {
  const model = await loadModel(env);
  try {
    return await begin(env, tenant, request, model);
  } catch (error) {
    // The verifier was restarted with another model: learn it, once.
    if (!(error instanceof LinkFailure && error.code === 'fingerprint')) throw error;
    return begin(env, tenant, request, await reloadModel(env));
  }
}

async function begin(
  env: Bindings,
  tenant: Tenant,
  request: AnswerRequest,
  model: ModelRecord,
): Promise<Answer> {
  const namespace = await namespaceOf(tenant, model.fingerprint);
  const link = new TurnLink(linkContext(env, model.fingerprint));
  let material: Material;
  try {
    material = await gather(env, namespace, model, request);
  } catch (error) {
    link.close();
    throw error;
  }
  const { prompt, excerpt, passages, citable, found, maxTokens } = material;

  const defaults = defaultSampling(model);
  const drafts = request.drafting !== 'off';
  const recycles = drafts && request.memory && request.recycle;
  const open: Open = {
    prompt: prompt.tokens,
    settings: {
      fingerprint: model.fingerprint,
      namespace: namespace.key,
      sampling: {
        seed: request.seed,
        temperature: request.temperature ?? defaults.temperature,
        topP: request.topP ?? defaults.topP,
        topK: request.topK ?? defaults.topK,
        ...(request.frequencyPenalty !== 0 && { frequencyPenalty: request.frequencyPenalty }),
        ...(request.presencePenalty !== 0 && { presencePenalty: request.presencePenalty }),
        ...(request.logitBias.length > 0 && { logitBias: request.logitBias }),
      },
      maxTokens,
      stopIds: model.eosIds,
      drafting: request.drafting,
      budget: request.budget,
      regions: prompt.regions.map(({ start, end, source }) => [start, end, source]),
      resumed: 0,
      ...(request.transfer > 0 && { transfer: request.transfer }),
      recycle: recycles,
      logprobs: request.logprobs ?? null,
      ...(request.grammar && { grammar: request.grammar }),
    },
  };
  const { sampling } = open.settings;
  const edge = drafts
    ? DraftingModel.for({
        env,
        tokenizer: model.fingerprint.tokenizer,
        namespace: namespace.key,
        use: request.draftModel,
        memory: request.memory,
        reads: excerpt ?? prompt,
        position: prompt.tokens.length,
        maxTokens,
        temperature: sampling.temperature,
        transfer: request.transfer,
        seed: sampling.seed,
      })
    : null;
  const spare = spareSpans(prompt.draftTokens, prompt.draftRegions, prompt.tokens.length);
  const memory =
    drafts && request.memory
      ? new TurnMemory(
          env,
          namespace,
          request.storeIds,
          found,
          spare,
          edge?.remembered ?? rememberedDrafter(namespace.key, null),
        )
      : null;
  const drafting: Drafting | null = drafts
    ? {
        drafter: edge?.drafter ?? memory?.drafter ?? plainDrafter(namespace.key),
        nodes: WIRE_NODES,
        tokens: prompt.draftTokens,
        regions: prompt.draftRegions,
        spans: memory ?? spare,
        observe: memory ? (told) => memory.recycling.observe(told) : undefined,
        model: edge,
      }
    : null;
  const events = runTurn(link, open, drafting);
  const stored = passages.flatMap(({ id }) => (id === null ? [] : [id]));
  memory?.recall(stored, recycles ? prompt.tokens : null);
  const cachedTokens = await untilReady(events).catch((error: unknown) => {
    // A turn that never began gives its place at the draft model back.
    edge?.stop();
    link.close();
    throw error;
  });
  const text = new TextStream(model, request.stop);
  const speculation = new Speculation();
  const pace = new Pace();
  const said = new Said();
  let whole = false;

  return {
    model,
    passages,
    citable,
    promptTokens: prompt.tokens.length,
    cachedTokens,
    speculation,
    pace,
    finish: () => text.finish,
    whole: () => whole,
    asked: () => memory?.observations() ?? [],
    draftModel: () => edge?.usage() ?? null,
    async remember() {
      if (drafts && request.draftModel !== 'off') await warmUp(env, model.fingerprint.tokenizer);
      // A bare prompt or an attached file may hold what it does not name: what goes on from it could
      // not be forgotten with it.
      const known = !request.prompt && !request.attached;
      if (whole && known) await memory?.learn(said, request.messages);
    },
    cancel() {
      edge?.stop();
      link.close();
    },
    async *steps() {
      try {
        for await (const event of events) {
          if (event.type === 'accept') {
            DraftingModel.paced(event);
            const step = text.push(event);
            speculation.add(event, step.tokens);
            pace.add(step.tokens, Date.now());
            said.add(step, event);
            whole = text.stopped;
            yield step;
            if (whole) return;
          } else if (event.type === 'done') {
            // Only a verifier that stops says this: whoever cancels from here has left already.
            if (event.reason === 'cancelled') {
              throw new LinkFailure('draining', 'the verifier was stopped in mid-answer');
            }
            const last = text.end(event.reason);
            if (last) said.add(last);
            whole = true;
            if (last) yield last;
          }
        }
      } finally {
        edge?.stop();
        link.close();
      }
    },
  };
}

async function untilReady(events: AsyncGenerator<LinkEvent>): Promise<number> {
  const { value } = await events.next();
  if (value?.type === 'ready') return value.cachedTokens;
  throw new LinkFailure('bad-frame', 'the verifier did not begin with ready');
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
