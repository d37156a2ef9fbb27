/**
 * What drafts one answer: the drafter and what it begins with, the tenant's
 * memory, the draft model, and the spans that go to the verifier's echo.
 */
import type { Drafter, Region } from '../draft/drafter.ts';
import { Source } from '../draft/source.ts';
import type { Span } from '../draft/stores/span-store.ts';
import { type Accept, MAX_SPAN_TOKENS, type Open } from '../link/protocol/index.ts';
import { WORKER_STORES } from '../memory/objects/mixer-weights.ts';
import { passingMixer } from '../memory/turn/shared-mixer.ts';
import {
  type RememberedDrafter,
  rememberedDrafter,
  TurnDrafter,
} from '../memory/turn/turn-drafter.ts';
import { TurnMemory } from '../memory/turn/turn-memory.ts';
import { draftModelPolicy } from './ablation.ts';
import { DraftingModel, type TurnFacts } from './draft-model/drafting-model.ts';
import type { Material } from './material.ts';
import { spareSpans } from './prompt.ts';
import type { AnswerContext, GenerationRequest } from './request.ts';
import { SpanQueue } from './span-queue.ts';
import { type Drafting, TREE_DELIVERY, type TreeDelivery } from './turn.ts';

/** Half of what a turn may ship: the rest is for what earlier answers and stores have. */
export const MAX_PREDICTION_TOKENS = MAX_SPAN_TOKENS / 2;

export class DraftingPlan implements Drafting {
  readonly drafter: Drafter | null;
  readonly tokens: Int32Array;
  readonly regions: readonly Region[];
  readonly spans = new SpanQueue();
  readonly trees: TreeDelivery;
  readonly model: DraftingModel | null;
  readonly memory: TurnMemory | null;
  /** The drafter where it takes in spans; null where it drafts from the model alone. */
  private readonly learner: TurnDrafter | null;
  private readonly prediction: readonly Span[];
  private readonly facts: TurnFacts;
  /** Stored passages in the prompt, by their ids. */
  private readonly passages: number[];

  /** @param opening whose drafting is not `off` */
  constructor(
    context: AnswerContext,
    request: GenerationRequest,
    material: Material,
    opening: Open,
  ) {
    const { namespace } = context;
    const { prediction, memory, draftModel, transfer, ablation } = request.speculation;
    const { prompt } = material;
    this.facts = turnFacts(context, request, material, opening);
    this.model =
      draftModel === 'off' ? null : DraftingModel.for(this.facts, draftModelPolicy(ablation));
    this.tokens = prompt.draftTokens;
    this.regions = prompt.draftRegions;
    const delivery = TREE_DELIVERY[ablation.trees ?? 'echoed'];
    // What the draft model says of nodes needs the nodes, whoever else proposes them.
    this.trees = transfer > 0 ? { ...delivery, beyondEcho: false } : delivery;
    const { drafter, remembered } =
      this.model ?? draftersWithoutModel(namespace.key, memory, this.trees.beyondEcho);
    this.drafter = drafter;
    this.learner = remembered?.drafter ?? null;
    this.memory =
      memory && remembered
        ? this.openMemory(context, request.storeIds, material, remembered)
        : null;
    this.passages = material.passages.flatMap(({ id }) => (id === null ? [] : [id]));
    this.prediction = prediction
      ? [{ source: Source.prediction, begins: true, tokens: prediction }]
      : [];
    this.spans.push([...this.prediction, ...spareSpans(prompt)]);
  }

  /** The drafter has begun: it may be given more from now on. */
  onBegin(): void {
    if (this.prediction.length > 0) this.learner?.learn(this.prediction);
    this.memory?.recall(this.passages);
  }

  /** A step was committed: what steps of such a turn take decides whether the draft model pays. */
  recordStep(accept: Accept): void {
    DraftingModel.recordStep(this.facts, this.model, accept);
  }

  /** Gives the turn's place at the draft model back. Safe at any time, more than once. */
  stop(): void {
    this.model?.stop();
  }

  private openMemory(
    { env, namespace }: AnswerContext,
    storeIds: readonly string[],
    { found }: Material,
    remembered: RememberedDrafter,
  ): TurnMemory {
    return new TurnMemory(env, namespace, remembered, {
      storeIds,
      passages: found.map(({ tokens }) => tokens),
      onSpans: (spans) => this.spans.push(spans),
    });
  }
}

function turnFacts(
  { env, namespace, model }: AnswerContext,
  { speculation }: GenerationRequest,
  { prompt, excerpt, maxTokens }: Material,
  { settings }: Open,
): TurnFacts {
  return {
    env,
    tokenizer: model.fingerprint.tokenizer,
    namespace: namespace.key,
    memory: speculation.memory,
    reads: excerpt ?? prompt,
    position: prompt.tokens.length,
    maxTokens,
    temperature: settings.sampling.temperature,
    transfer: speculation.transfer,
    seed: settings.sampling.seed,
  };
}

/** What a turn without draft model drafts with: without memory it keeps no weights of its tenant's. */
function draftersWithoutModel(
  namespace: string,
  memory: boolean,
  beyondEcho: boolean,
): { drafter: TurnDrafter | null; remembered: RememberedDrafter | null } {
  // The verifier's echo has all that such a turn could draft from.
  if (!memory && beyondEcho) return { drafter: null, remembered: null };
  const remembered = memory
    ? rememberedDrafter(namespace, null)
    : { drafter: new TurnDrafter(passingMixer(namespace, 'plain', WORKER_STORES)), mixer: null };
  return { drafter: remembered.drafter, remembered };
}
