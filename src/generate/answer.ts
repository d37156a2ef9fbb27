/**
 * One answer, from its opening to what it leaves behind. `openAll` opens those of
 * a request: the links' connections and retrieval at once, then the prompt, then a
 * turn for each.
 */
import type { Bindings } from '../bindings.ts';
import type { LinkEvent } from '../link/client.ts';
import { TurnLink } from '../link/failover.ts';
import { closedHere, LinkFailure } from '../link/failure.ts';
import type { Accept, DoneReason } from '../link/protocol/index.ts';
import type { Observation } from '../meter/metric-names.ts';
import type { ModelRecord } from '../model/record.ts';
import type { Passage } from '../retrieve/search.ts';
import { namespaceOf, type Tenant } from '../store/tenants.ts';
import { AnswerStats } from './answer-stats.ts';
import type { ModelUsage } from './draft-model/drafting-model.ts';
import { refreshDraft } from './draft-model/isolate-draft.ts';
import { DraftingPlan } from './drafting-plan.ts';
import { expectReasoning } from './expect-reasoning.ts';
import { type Citable, gather, type Material } from './material.ts';
import { openingOf } from './opening.ts';
import { PredictionMatch } from './prediction-match.ts';
import type { Reasoning } from './reasoning.ts';
import {
  type AnswerContext,
  answerCount,
  type GenerationRequest,
  type Seed,
  seedOfChoice,
} from './request.ts';
import { saidMessage } from './said-message.ts';
import { type Step, TextStream } from './text-stream.ts';
import { runTurn } from './turn.ts';
import { linkEnvironment } from './verifier-fleet.ts';

/** How the caller and an answer that is being opened tell each other what happens meanwhile. */
interface OpenHooks {
  /** Called once, when only the verifier is awaited. */
  onPrepared(): void;
  /** Aborts when the client disconnects. */
  clientLeft: AbortSignal;
}

export class Answer {
  readonly model: ModelRecord;
  /** Whether its tokens are drawn: at temperature 0 no transfer moves them. */
  readonly samples: boolean;
  readonly stats = new AnswerStats();
  private readonly prediction: PredictionMatch | null;
  private readonly context: AnswerContext;
  private readonly request: GenerationRequest;
  private readonly material: Material;
  private readonly link: TurnLink;
  /** null where the verifier decodes plainly. */
  private readonly plan: DraftingPlan | null;
  private readonly events: AsyncGenerator<LinkEvent>;
  private readonly stream: TextStream;
  private readonly reasoning: Reasoning | null;
  /** Without the token that ends it. */
  private readonly tokens: number[] = [];
  private text = '';
  private complete = false;
  private cached = 0;
  /** Places in the request's grammar of keywords that the answer is not held to. */
  unenforced: readonly (readonly (string | number)[])[] = [];

  private constructor(
    context: AnswerContext,
    request: GenerationRequest,
    material: Material,
    seed: Seed,
    link: TurnLink,
  ) {
    const { model, namespace } = context;
    const { prediction, mode } = request.speculation;
    const open = openingOf(model, namespace, request, material, seed);
    this.context = context;
    this.model = model;
    this.samples = open.settings.sampling.temperature > 0;
    this.request = request;
    this.material = material;
    this.link = link;
    this.stream = new TextStream(model, request.stop);
    this.reasoning = expectReasoning(model, request, material.prompt.tokens);
    this.prediction = prediction && new PredictionMatch(prediction);
    // Last: it takes a place at the draft model, which nobody would give back were this not made.
    this.plan = mode === 'off' ? null : new DraftingPlan(context, request, material, open);
    this.events = runTurn(link, open, this.plan);
  }

  /**
   * Opens every answer to a request, those of the first prompt before those of the
   * next, and waits until the verifier has taken them: what can fail early fails
   * before the first byte, with `PromptTooLong`, `FilesTooLong`, `UnreadableFile` or
   * `LinkFailure`. Where one can't be opened none is.
   */
  static async openAll(
    env: Bindings,
    tenant: Tenant,
    model: ModelRecord,
    request: GenerationRequest,
    { onPrepared, clientLeft }: OpenHooks,
  ): Promise<Answer[]> {
    const namespace = await namespaceOf(tenant, model.fingerprint);
    const context = { env, namespace, model };
    // A signal that has fired fires no more.
    if (clientLeft.aborted) throw closedHere();
    const links = Array.from(
      { length: answerCount(request) },
      () => new TurnLink(linkEnvironment(env, model.fingerprint)),
    );
    clientLeft.addEventListener('abort', () => {
      for (const link of links) link.close();
    });
    let materials: Material[];
    try {
      materials = await gather(context, request);
    } catch (error) {
      for (const link of links) link.close();
      throw error;
    }
    void Promise.all(links.map((link) => link.dialled)).then(onPrepared);
    const { choices, sampling } = request;
    const opened = await Promise.allSettled(
      links.map((link, i) => {
        const seed = seedOfChoice(sampling.seed, i % choices);
        return Answer.open(context, request, materials[Math.floor(i / choices)]!, seed, link);
      }),
    );
    const answers = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const refused = opened.find((one) => one.status === 'rejected');
    if (!refused) return answers;
    for (const answer of answers) answer.cancel();
    throw refused.reason;
  }

  /** Over a link that may still be connecting; resolves once the verifier is ready. Throws `LinkFailure`. */
  private static async open(
    context: AnswerContext,
    request: GenerationRequest,
    material: Material,
    seed: Seed,
    link: TurnLink,
  ): Promise<Answer> {
    let answer: Answer | null = null;
    try {
      answer = new Answer(context, request, material, seed, link);
      const { value } = await answer.events.next();
      if (value?.type !== 'ready') {
        throw new LinkFailure('bad-frame', 'the verifier did not begin with ready');
      }
      answer.cached = value.cachedTokens;
      answer.unenforced = value.unenforced ?? [];
      return answer;
    } catch (error) {
      answer?.cancel();
      link.close();
      throw error;
    }
  }

  /** Passages in the prompt, best first; of documents that are in it whole, those that the draft model reads. */
  get passages(): readonly Passage[] {
    return this.material.passages;
  }

  /** All that the prompt has of documents. */
  get citable(): readonly Citable[] {
    return this.material.citable;
  }

  /** Steps as they come; once. Throws `LinkFailure` when the verifier is lost. */
  async *steps(): AsyncGenerator<Step> {
    try {
      for await (const event of this.events) {
        if (event.type === 'accept') {
          yield this.accept(event);
          if (!this.complete) continue;
          yield* this.endReasoning();
          return;
        } else if (event.type === 'done') {
          yield* this.end(event.reason);
        } else if (event.type === 'progress' && this.stats.steps === 0) {
          yield this.reading(event.cached);
        }
      }
    } finally {
      this.cancel();
    }
  }

  /** Known once `steps` ended. */
  get finishReason(): 'stop' | 'length' {
    return this.stream.finish;
  }

  /** Whether it came to its end. */
  get isComplete(): boolean {
    return this.complete;
  }

  /** As far as the answer has come. */
  usage(): AnswerUsage {
    const { prediction } = this;
    return {
      promptTokens: this.material.prompt.tokens.length,
      cachedTokens: this.cached,
      completionTokens: this.stats.tokens,
      reasoningTokens: this.reasoning?.tokens ?? null,
      prediction: prediction && { accepted: prediction.accepted, rejected: prediction.rejected },
      draftModel: this.plan?.model?.usage() ?? null,
    };
  }

  /** What the answer asked of the tenant's memory, for the metrics. */
  memoryObservations(): Observation[] {
    return this.plan?.memory?.observations() ?? [];
  }

  /** Leaves a complete answer to later ones to draft from. Never rejects; nobody need wait. */
  async remember(): Promise<void> {
    const { env, model } = this.context;
    const { input, speculation, grammar } = this.request;
    if (this.plan && speculation.draftModel === 'auto') await refreshDraft(env, model);
    if (!this.complete || input.kind !== 'conversation') return;
    // An attached file may hold what it does not name: what continues from it could not be forgotten with it.
    if (input.files) return;
    const said = saidMessage(this.text, grammar);
    const answer = { said, tokens: Int32Array.from(this.tokens) };
    await this.plan?.memory?.learn(answer, input.messages);
  }

  /** Frees the verifier's session. Safe at any time, more than once. */
  cancel(): void {
    this.plan?.stop();
    this.link.close();
  }

  private accept(event: Accept): Step {
    this.plan?.recordStep(event);
    const step = this.stream.push(event);
    this.stats.add(event, step.tokens, Date.now());
    for (const token of event.tokens.subarray(0, step.tokens)) {
      this.tokens.push(token);
      this.prediction?.add(token);
    }
    this.complete = this.stream.stopped;
    return this.apartFromThoughts(step);
  }

  /** What was held back to the end. */
  private *end(reason: DoneReason): Generator<Step> {
    // Only a verifier that stops says this: whoever cancels from here has left already.
    if (reason === 'cancelled') {
      throw new LinkFailure('draining', 'the verifier was stopped in mid-answer');
    }
    const last = this.stream.end(reason);
    if (last) yield this.apartFromThoughts(last);
    yield* this.endReasoning();
    this.complete = true;
  }

  private *endReasoning(): Generator<Step> {
    const rest = this.reasoning?.end();
    if (!rest) return;
    this.keepText(rest);
    yield rest;
  }

  /** Nothing yet but how far the model has read. */
  private reading(cached: number): Step {
    const of = this.material.prompt.tokens.length;
    const promptRead = { tokens: Math.min(cached, of), of };
    return { pieces: [], logprobs: [], tokens: 0, drafted: 0, micros: 0, promptRead };
  }

  /** The step with thoughts and answer apart; keeps the answer’s text. */
  private apartFromThoughts(step: Step): Step {
    const apart = this.reasoning?.split(step) ?? step;
    this.keepText(apart);
    return apart;
  }

  private keepText({ pieces }: Step): void {
    for (const { text } of pieces) this.text += text;
  }
}

export interface AnswerUsage {
  promptTokens: number;
  /** Of the prompt, what the verifier had in its KV cache. */
  cachedTokens: number;
  completionTokens: number;
  /** Of them, those that the model thought with; null for a model that doesn't, or may not. */
  reasoningTokens: number | null;
  /** Tokens of the request's prediction that the answer has, and those it has not; null without one. */
  prediction: { accepted: number; rejected: number } | null;
  /** What the draft model did; null where it took no part. */
  draftModel: ModelUsage | null;
}
