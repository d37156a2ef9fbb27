/**
 * Short suggestions of how a text continues, from the draft model in the worker
 * alone: no verifier is asked, and nothing here is the target's word. Several at
 * a time from one pass a token (Superposed Decoding), grounded by what the text
 * itself, the tenant's stores and its earlier answers say.
 */
import type { Bindings } from '../bindings.ts';
import { MAX_CONTEXT } from '../draft/stores/session-store.ts';
import { type Draft, SuperposedDrafts } from '../draft/superposed.ts';
import { WORKER_STORES } from '../memory/objects/mixer-weights.ts';
import { lookUp } from '../memory/turn/look-up.ts';
import { keptMixer } from '../memory/turn/shared-mixer.ts';
import { TurnDrafter } from '../memory/turn/turn-drafter.ts';
import type { ModelRecord } from '../model/record.ts';
import { nextTurn } from '../pause.ts';
import { namespaceOf, type Tenant } from '../store/tenants.ts';
import { Detokenizer } from './detokenize.ts';
import { draftContext, MAX_DRAFT_CONTEXT } from './draft-model/context.ts';
import type { EdgeModel } from './draft-model/edge-model.ts';
import { EdgeReader } from './draft-model/edge-reader.ts';
import { leaseDraft, refreshDraft } from './draft-model/isolate-draft.ts';
import type { DraftLease } from './draft-model/served-draft.ts';
import { PromptTooLong } from './prompt.ts';
import { StopStrings } from './stop.ts';

/** The blend's share of a score: the best of those that `bench:suggest` compares. */
const ALPHA = 0.7;
/** Requests of an isolate that are suggested to at a time: each holds a cache of two megabytes, and all share one thread. */
const MAX_AT_A_TIME = 4;

export interface SuggestRequest {
  prompt: Int32Array;
  storeIds: readonly string[];
  /** Whether stores and earlier answers are looked into, beside the text itself. */
  memory: boolean;
  drafts: number;
  maxTokens: number;
  stop: readonly string[];
}

interface Suggestion {
  text: string;
  tokens: number;
  finish: 'stop' | 'length';
}

export interface Suggestions {
  /** The draft model's name. */
  model: string;
  /** Most likely first. */
  suggestions: Suggestion[];
}

/** The draft model is not to be had; the message says why. */
export class NoDraftModel extends Error {}
/** As many suggestions are being made as may be at a time. */
export class TooManySuggestions extends Error {}

let atWork = 0;

/** Throws `PromptTooLong`, `NoDraftModel`, `TooManySuggestions`. */
export async function suggest(
  env: Bindings,
  tenant: Tenant,
  target: ModelRecord,
  request: SuggestRequest,
): Promise<Suggestions> {
  const room = target.maxContext - 1;
  if (request.prompt.length > room) throw new PromptTooLong(request.prompt.length, room);
  const { model, end } = await leaseNow(env, target, request);
  if (atWork >= MAX_AT_A_TIME) {
    end();
    throw new TooManySuggestions();
  }
  atWork++;
  try {
    const drafts = await draftsFor(env, tenant, target, model, request);
    const suggestions = drafts.map((draft) => toText(target, draft, request.stop));
    return { model: model.facts.id, suggestions };
  } finally {
    atWork--;
    end();
  }
}

/** Waits for the model only where none is there. */
async function leaseNow(
  env: Bindings,
  target: ModelRecord,
  { prompt, maxTokens }: SuggestRequest,
): Promise<DraftLease> {
  const { tokenizer } = target.fingerprint;
  const rows = Math.min(prompt.length, MAX_DRAFT_CONTEXT) + maxTokens;
  const ready = leaseDraft(env, tokenizer, rows);
  if (ready) return ready;
  const state = await refreshDraft(env, target);
  const lease = leaseDraft(env, tokenizer, rows);
  if (lease) return lease;
  // Turns have all of its memory, or it is about to be replaced.
  if (state.state === 'ready') throw new TooManySuggestions();
  const why = 'reason' in state ? `${state.state}, ${state.reason}` : state.state;
  throw new NoDraftModel(
    `suggestions come from the draft model, which is ${why}: try again, or see draft_model in /health`,
  );
}

/** The stores are asked while the model reads the text. */
async function draftsFor(
  env: Bindings,
  tenant: Tenant,
  target: ModelRecord,
  model: EdgeModel,
  { prompt, storeIds, memory, drafts, maxTokens }: SuggestRequest,
): Promise<readonly Draft[]> {
  const namespace = await namespaceOf(tenant, target.fingerprint);
  const context = draftContext(prompt, [], MAX_DRAFT_CONTEXT);
  const reader = new EdgeReader(model, context.length + maxTokens);
  const [logits, found] = await Promise.all([
    reader.readText(context),
    memory ? lookUp(env, namespace, storeIds, prompt) : [],
  ]);
  // What this text teaches of whom to trust is for this text alone.
  const drafter = new TurnDrafter(keptMixer(namespace.key, WORKER_STORES).copy());
  const end = Math.max(0, prompt.length - MAX_CONTEXT);
  drafter.begin(prompt.subarray(0, end), []);
  drafter.learn(found);
  drafter.commit(prompt.subarray(end));
  const superposed = new SuperposedDrafts(drafter.stores, drafter.mixer, prompt.at(-1)!, {
    drafts,
    alpha: ALPHA,
    endIds: new Set(target.eosIds),
    heard: drafter.heard,
  });
  superposed.extend(logits);
  for (let token = 1; token < maxTokens; token++) {
    const { input } = superposed;
    if (!input) break;
    superposed.extend(await reader.read(input));
    await nextTurn();
  }
  return superposed.drafts;
}

function toText({ tokenizer }: ModelRecord, { tokens, ended }: Draft, stop: readonly string[]) {
  const kept = ended ? tokens.slice(0, -1) : [...tokens];
  const stops = new StopStrings(stop);
  const detokenizer = new Detokenizer({
    decode: (ids) => tokenizer.decode(ids, { skip_special_tokens: true }),
  });
  const decoded = kept.map((token) => detokenizer.push(token)).join('') + detokenizer.flush();
  // A length may end inside a character: what there is of it is not text.
  const text = stops.push(ended ? decoded : decoded.replace(/\ufffd+$/, ''));
  const cut = stops.stopped;
  return {
    text: cut ? text : text + stops.flush(),
    tokens: kept.length,
    finish: ended || cut ? ('stop' as const) : ('length' as const),
  };
}
