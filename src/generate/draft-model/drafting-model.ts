/** The draft model's part in one turn: whether it takes part, with which drafter, and what it did. */
import type { Bindings } from '../../bindings.ts';
import type { Region } from '../../draft/drafter.ts';
import { Noise } from '../../draft/noise.ts';
import { Source } from '../../draft/source.ts';
import { ModelStore } from '../../draft/stores/model-store.ts';
import type { TokenTree } from '../../draft/tree/tree.ts';
import {
  type Accept,
  type DraftWord,
  MAX_WORD_TOKENS,
  wordsOf,
} from '../../link/protocol/index.ts';
import type { TurnModel } from '../turn.ts';
import { draftContext, MAX_DRAFT_CONTEXT } from './context.ts';
import { EdgeDrafter, rowsOfTurn } from './edge-drafter.ts';
import type { EdgeModel } from './edge-model.ts';
import { leaseDraft } from './isolate-draft.ts';
import { Payoff, type TurnKind, type TurnPayoff } from './payoff.ts';
import type { DraftModelPolicy, PlannedDrafter } from './policy.ts';
import type { DraftLease } from './served-draft.ts';

/** Turns of an isolate that have it at a time: they share one thread. */
const MAX_MODEL_TURNS = 6;

export interface ModelUsage {
  state: 'ready' | 'skipped' | NonNullable<EdgeDrafter['ended']>;
  passes: number;
  /** Tokens of the prompt, or of the passages in its place, that it reads. */
  context_tokens: number;
  /** Of the worker's thread. */
  spent_ms: number;
  /** Of the verifier's steps, less what those beside it took longer. */
  saved_ms: number;
}

/** What the model's part in a turn follows from. */
export interface TurnFacts {
  env: Bindings;
  /** Of the target's tokenizer. */
  tokenizer: string;
  /** Derived on the server. */
  namespace: string;
  /** Whether what the turn teaches the mixer is kept beyond the isolate. */
  memory: boolean;
  /** The prompt, or in its place a shorter one where the target's has documents whole. */
  reads: { tokens: Int32Array; regions: readonly Region[] };
  /** Tokens of the target's prompt. */
  position: number;
  maxTokens: number;
  temperature: number;
  /** η of RAPID's transfer; then it drafts on whether that saves time or not. */
  transfer: number;
  seed: readonly [number, number];
}

/** What the kind of a turn follows from. */
type KindFacts = Pick<TurnFacts, 'namespace' | 'reads' | 'position' | 'temperature'>;

/** What the model that is served has shown: another one begins anew. */
let payoff = new Payoff();
let judged: EdgeModel | null = null;
let turns = 0;

export class DraftingModel implements TurnModel, PlannedDrafter {
  readonly drafter: PlannedDrafter['drafter'];
  readonly remembered: PlannedDrafter['remembered'];
  private readonly store: ModelStore;
  private readonly edge: EdgeDrafter;
  private readonly lease: DraftLease;
  private readonly account: TurnPayoff;
  private readonly contextTokens: number;
  private stopped = false;

  private constructor(lease: DraftLease, facts: TurnFacts, policy: DraftModelPolicy) {
    const { temperature, reads } = facts;
    this.lease = lease;
    const shared = temperature > 0 && policy.sharesNoise;
    const store = new ModelStore({ drawn: shared });
    this.store = store;
    const { drafter, remembered } = policy.drafterOver(store, facts);
    this.drafter = drafter;
    this.remembered = remembered;
    this.account = payoff.turn(kindOf(facts));
    const context = draftContext(reads.tokens, reads.regions);
    this.contextTokens = context.length;
    this.edge = new EdgeDrafter(lease.model, store, this.drafter, {
      context,
      position: facts.position,
      maxTokens: facts.maxTokens,
      sampling: { temperature, noise: shared ? new Noise(facts.seed) : null },
      payoff: this.account,
      staysUnpaid: policy.staysUnpaid || facts.transfer > 0,
      wordTokens: facts.transfer > 0 ? MAX_WORD_TOKENS : 0,
    });
    turns++;
  }

  /** null where the model is not to be had, or would not pay. */
  static for(facts: TurnFacts, policy: DraftModelPolicy): DraftingModel | null {
    if (turns >= MAX_MODEL_TURNS) return null;
    const contextTokens = Math.min(facts.reads.tokens.length, MAX_DRAFT_CONTEXT);
    const rows = rowsOfTurn(contextTokens, facts.maxTokens);
    const lease = leaseDraft(facts.env, facts.tokenizer, rows);
    if (!lease) return null;
    if (lease.model !== judged) {
      judged = lease.model;
      payoff = new Payoff();
    }
    const pays = policy.staysUnpaid || payoff.admits(kindOf(facts));
    if (pays || facts.transfer > 0) return new DraftingModel(lease, facts, policy);
    lease.end();
    return null;
  }

  /** What a step takes in turns like this, with `model` drafting in it or without: what saving one is worth. */
  static recordStep(
    facts: KindFacts,
    model: DraftingModel | null,
    { steps, stepMicros }: Accept,
  ): void {
    if (steps === 0) return;
    const drafting = model !== null && model.edge.ended === null;
    payoff.paced(kindOf(facts), drafting, stepMicros / 1000 / steps);
  }

  start(grown: () => void): void {
    this.edge.start(grown);
  }

  committed({ sources, steps, stepMicros }: Accept): void {
    let own = 0;
    for (const source of sources) if (source === Source.draft) own++;
    this.edge.committed(own, steps, stepMicros / 1000);
  }

  words(tree: TokenTree): DraftWord[] {
    return wordsOf(this.store.read(tree));
  }

  /** Safe at any time, more than once. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    turns--;
    this.edge.stop();
    this.lease.end();
  }

  usage(): ModelUsage {
    const { spentMs, savedMs } = this.account;
    return {
      state: this.edge.ended ?? 'ready',
      passes: this.edge.passes,
      context_tokens: this.contextTokens,
      spent_ms: Math.round(spentMs),
      saved_ms: Math.round(savedMs),
    };
  }
}

function kindOf({ reads, position, temperature, namespace }: KindFacts): TurnKind {
  const grounded = reads.regions.some(({ source }) => source === Source.passage);
  const length = Math.floor(Math.log2(Math.max(1, position)));
  return { namespace, grounded, sampled: temperature > 0, length };
}
