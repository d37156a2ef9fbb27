/**
 * One answer over one link: what drafts it, and its text as the verifier commits
 * it. What it is answered from is there already, and shared with the request's
 * other choices.
 */
import type { Bindings } from '../bindings.ts';
import type { LinkEvent } from '../link/client.ts';
import type { TurnLink } from '../link/failover.ts';
import { LinkFailure } from '../link/failure.ts';
import type { Open } from '../link/protocol/index.ts';
import { Said } from '../memory/turn/said.ts';
import { rememberedDrafter, TurnDrafter } from '../memory/turn/turn-drafter.ts';
import { TurnMemory } from '../memory/turn/turn-memory.ts';
import type { ModelRecord } from '../model/record.ts';
import type { Namespace } from '../store/tenants.ts';
import type { Answer, AnswerRequest } from './answer.ts';
import { warmUp } from './draft-model/bundled.ts';
import { DraftingModel, plainDrafter } from './draft-model/turn-model.ts';
import type { Material } from './material.ts';
import { Pace } from './pace.ts';
import { Predicted } from './predicted.ts';
import { predictedSpans } from './predicted-spans.ts';
import { spareSpans } from './spare-spans.ts';
import { Speculation } from './speculation.ts';
import { TextStream } from './text-stream.ts';
import { type Drafting, runTurn } from './turn.ts';

/** Begins one answer over a link that may still be being made. */
export async function openAnswer(
  env: Bindings,
  namespace: Namespace,
  model: ModelRecord,
  request: AnswerRequest,
  { prompt, excerpt, passages, citable, found, maxTokens }: Material,
  link: TurnLink,
): Promise<Answer> {
  const defaults = defaultSampling(model);
  const drafts = request.drafting !== 'off';
  const recycles = drafts && request.memory && request.recycle;
  const opening: Open = {
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
  const { sampling } = opening.settings;
  const facts = {
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
  };
  const edge = drafts ? DraftingModel.for(facts) : null;
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
  const drafter = edge?.drafter ?? memory?.drafter ?? plainDrafter(namespace.key);
  const { prediction } = request;
  const drafting: Drafting | null = drafts
    ? {
        drafter,
        tokens: prompt.draftTokens,
        regions: prompt.draftRegions,
        spans: prediction
          ? predictedSpans(prediction, memory ?? spare, (spans) => {
              if (drafter instanceof TurnDrafter) drafter.learn(spans);
            })
          : (memory ?? spare),
        observe: memory ? (told) => memory.recycling.observe(told) : undefined,
        model: edge,
      }
    : null;
  const events = runTurn(link, opening, drafting);
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
  const predicted = prediction ? new Predicted(prediction) : null;
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
    predicted,
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
            if (drafts) DraftingModel.paced(facts, edge, event);
            const step = text.push(event);
            speculation.add(event, step.tokens);
            pace.add(step.tokens, Date.now());
            said.add(step, event);
            for (let i = 0; i < step.tokens; i++) predicted?.add(event.tokens[i]!);
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
