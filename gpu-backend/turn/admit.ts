/**
 * What an `open` frame may ask for. Everything is checked before a slot is
 * taken; the message names the field and what is allowed.
 */

import type { Region, TokenRange } from '../../src/draft/drafter.ts';
import { SOURCE_NAMES } from '../../src/draft/source.ts';
import { MAX_VERIFIED_NODES } from '../../src/draft/tree/budget.ts';
import {
  ACCEPT_RULES,
  type AcceptRuleName,
  DRAFTING_MODES,
  type DraftingMode,
  MAX_LOGIT_BIAS,
  MAX_LOGIT_BIASES,
  MAX_LOGPROBS,
  MAX_PENALTY,
  MAX_REPETITION_PENALTY,
  MAX_TRANSFER,
  MAX_WAIT_MS,
  MIN_REPETITION_PENALTY,
  type OpenSettings,
} from '../../src/link/protocol/index.ts';
import { type AcceptAids, chooseAccept } from '../accept/choice.ts';
import type { DrawSettings } from '../accept/draw-settings.ts';
import type { Warp } from '../accept/warp.ts';
import type { SeatedTurn } from '../drafters/local-drafters.ts';
import type { Grammar, State } from '../grammar/grammar.ts';
import type { Grammars } from '../grammar/grammars.ts';
import { GrammarRefused } from '../grammar/refused.ts';
import { Refusal } from './refusal.ts';

const MAX_STOP_IDS = 32;
const MAX_REGIONS = 256;
const MAX_NAMESPACE_LENGTH = 128;
const MAX_TEMPERATURE = 100;
/** More than a vocabulary has keeps all. */
const MAX_TOP_K = 1 << 20;

/** A checked turn. */
export interface Turn extends DrawSettings, SeatedTurn {
  stopIds: ReadonlySet<number>;
  drafting: DraftingMode;
  /** Candidates that a step may verify. */
  budget: number;
  /** Alternatives told of each committed token beside its log-probability; null for neither. */
  logprobs: number | null;
  /** Milliseconds that it may wait for a slot. */
  maxWaitMs: number;
}

/** As a worker sent it, not checked yet. */
type Sampling = Partial<OpenSettings['sampling']> | undefined;

export interface AdmitLimits {
  /** What a turn may be held to; absent where no turn may be. */
  grammars?: Grammars;
  /** What some accept rules need beside the model; absent for neither. */
  aids?: AcceptAids;
  /** The accept rules that turns may ask for; absent for all. */
  acceptRules?: readonly AcceptRuleName[] | undefined;
  fingerprint: { model: string; tokenizer: string };
  vocabSize: number;
  maxContext: number;
}

function bad(message: string): never {
  throw new Refusal('bad-frame', message);
}

function integer(value: unknown, name: string, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    bad(`${name} must be an integer from ${least} to ${most}`);
  }
  return value;
}

function real(value: unknown, name: string, least: number, most: number): number {
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    bad(`${name} must be a number from ${least} to ${most}`);
  }
  return value;
}

function flag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') bad(`${name} must be true or false`);
  return value;
}

function list(value: unknown, name: string, most: number): unknown[] {
  if (!Array.isArray(value) || value.length > most)
    bad(`${name} must be a list of at most ${most}`);
  return value;
}

/** Checks prompt and settings against this verifier's model. Throws `Refusal`. */
export function admit(raw: unknown, prompt: Int32Array, limits: AdmitLimits): Turn {
  if (typeof raw !== 'object' || raw === null) bad('settings must be an object');
  const settings = raw as Partial<OpenSettings>;
  requireFingerprint(settings, limits);
  for (const id of prompt)
    if (id >= limits.vocabSize) bad(`prompt token ${id} is outside the vocabulary`);
  const maxTokens = integer(settings.maxTokens, 'maxTokens', 1, limits.maxContext);
  if (prompt.length + maxTokens > limits.maxContext) {
    throw new Refusal(
      'too-long',
      `${prompt.length} prompt tokens and ${maxTokens} to generate exceed the context of ${limits.maxContext}`,
    );
  }
  const { namespace, sampling, drafting } = settings;
  if (typeof namespace !== 'string' || namespace.length > MAX_NAMESPACE_LENGTH) {
    bad(`namespace must be a string of at most ${MAX_NAMESPACE_LENGTH} characters`);
  }
  const resumed = integer(settings.resumed, 'resumed', 0, prompt.length - 1);
  const asked = prompt.length - resumed;
  const stopIds = stopIdsOf(settings.stopIds, limits.vocabSize);
  if (!drafting || !DRAFTING_MODES.includes(drafting)) {
    bad(`drafting must be one of ${DRAFTING_MODES.join(', ')}`);
  }
  const budget = integer(settings.budget, 'budget', 0, MAX_VERIFIED_NODES);
  return {
    prompt,
    namespace,
    seed: seedOf(sampling?.seed),
    warp: warpOf(sampling),
    repetition: real(
      sampling?.repetitionPenalty ?? 1,
      'sampling.repetitionPenalty',
      MIN_REPETITION_PENALTY,
      MAX_REPETITION_PENALTY,
    ),
    penalties: penaltiesOf(sampling),
    bias: biasesOf(sampling?.logitBias, limits.vocabSize),
    maxTokens,
    stopIds,
    // Where a step may verify none, candidates would be drawn for nothing.
    drafting: budget > 0 ? drafting : 'off',
    budget,
    regions: regionsOf(settings.regions, asked),
    excerpts: excerptsOf(settings.excerpts ?? [], asked),
    resumed,
    transfer: real(settings.transfer ?? 0, 'transfer', 0, MAX_TRANSFER),
    accept: acceptOf(settings.accept, limits),
    remember: flag(settings.remember ?? false, 'remember'),
    logprobs: logprobsOf(settings.logprobs ?? null, limits.vocabSize),
    maxWaitMs: integer(settings.maxWaitMs ?? 0, 'maxWaitMs', 0, MAX_WAIT_MS),
    grammar: grammarOf(settings.grammar, stopIds, prompt.subarray(asked), limits.grammars),
  };
}

function seedOf(raw: unknown): [number, number] {
  const [low, high] = list(raw, 'sampling.seed', 2);
  return [
    integer(low, 'sampling.seed[0]', 0, 0xffffffff),
    integer(high, 'sampling.seed[1]', 0, 0xffffffff),
  ];
}

function warpOf(sampling: Sampling): Warp {
  return {
    temperature: real(sampling?.temperature, 'sampling.temperature', 0, MAX_TEMPERATURE),
    topP: real(sampling?.topP, 'sampling.topP', 0, 1),
    topK: integer(sampling?.topK, 'sampling.topK', 0, MAX_TOP_K),
    minP: real(sampling?.minP ?? 0, 'sampling.minP', 0, 1),
  };
}

function stopIdsOf(raw: unknown, vocabSize: number): ReadonlySet<number> {
  const ids = list(raw, 'stopIds', MAX_STOP_IDS);
  return new Set(ids.map((id) => integer(id, 'stopIds[]', 0, vocabSize - 1)));
}

function logprobsOf(raw: unknown, vocabSize: number): number | null {
  if (raw === null) return null;
  return integer(raw, 'logprobs', 0, Math.min(MAX_LOGPROBS, vocabSize));
}

function acceptOf(raw: unknown, { acceptRules = ACCEPT_RULES, aids = {} }: AdmitLimits) {
  const name = acceptRules.find((rule) => rule === (raw ?? 'match'));
  if (!name) bad(`accept must be one of ${acceptRules.join(', ')}`);
  return chooseAccept(name, aids) ?? bad(`accept: this model has nothing for ${name}`);
}

function requireFingerprint({ fingerprint }: Partial<OpenSettings>, limits: AdmitLimits): void {
  for (const part of ['model', 'tokenizer'] as const) {
    const theirs = fingerprint?.[part];
    if (theirs === limits.fingerprint[part]) continue;
    throw new Refusal(
      'fingerprint',
      `this verifier's ${part} is ${limits.fingerprint[part]}, not ${String(theirs).slice(0, 64)}; ` +
        'point the worker at a verifier that serves the same model, or restart it to learn the new one',
    );
  }
}

/** @param length of the prompt, without the answer so far */
function regionsOf(raw: unknown, length: number): Region[] {
  return list(raw, 'regions', MAX_REGIONS).map((entry) => {
    const [start, end, source] = list(entry, 'regions[]', 3);
    return {
      ...rangeOf(start, end, 'region', length),
      source: integer(source, 'region source', 0, SOURCE_NAMES.length - 1) as Region['source'],
    };
  });
}

function excerptsOf(raw: unknown, length: number): TokenRange[] {
  return list(raw, 'excerpts', MAX_REGIONS).map((entry) => {
    const [start, end] = list(entry, 'excerpts[]', 2);
    return rangeOf(start, end, 'excerpt', length);
  });
}

function rangeOf(start: unknown, end: unknown, name: string, length: number): TokenRange {
  const from = integer(start, `${name} start`, 0, length);
  return { start: from, end: integer(end, `${name} end`, from, length) };
}

function penaltiesOf(sampling: Sampling): Turn['penalties'] {
  const penalty = (name: 'frequencyPenalty' | 'presencePenalty') =>
    real(sampling?.[name] ?? 0, `sampling.${name}`, -MAX_PENALTY, MAX_PENALTY);
  const frequency = penalty('frequencyPenalty');
  const presence = penalty('presencePenalty');
  return frequency === 0 && presence === 0 ? null : { frequency, presence };
}

function biasesOf(raw: unknown, vocabSize: number): [number, number][] {
  const seen = new Set<number>();
  return list(raw ?? [], 'sampling.logitBias', MAX_LOGIT_BIASES).map((entry) => {
    const pair = list(entry, 'sampling.logitBias[]', 2);
    const id = integer(pair[0], 'sampling.logitBias[] token', 0, vocabSize - 1);
    if (seen.has(id)) bad(`sampling.logitBias names token ${id} twice`);
    seen.add(id);
    return [id, real(pair[1], 'sampling.logitBias[] bias', -MAX_LOGIT_BIAS, MAX_LOGIT_BIAS)];
  });
}

/** `answered`: the answer so far, which the grammar must have let through. */
function grammarOf(
  raw: unknown,
  stopIds: ReadonlySet<number>,
  answered: Int32Array,
  grammars: Grammars | undefined,
): Grammar | null {
  if (raw === undefined || raw === null) return null;
  if (!grammars) throw new Refusal('grammar', 'this verifier holds no answer to a grammar');
  try {
    const grammar = grammars.of(raw, stopIds);
    let state: State | null = grammar.start;
    for (const token of answered) state = state && grammar.advance(state, token);
    if (!state) bad('grammar: the answer so far is not what it lets through');
    return grammar;
  } catch (cause) {
    if (cause instanceof GrammarRefused) throw new Refusal('grammar', cause.message, 0, cause.path);
    if (cause instanceof RangeError) throw new Refusal('grammar', 'it is nested without end');
    throw cause;
  }
}
