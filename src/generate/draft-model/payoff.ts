/**
 * Whether the draft model pays. It computes on the worker's one thread, where
 * accept frames and other requests wait meanwhile; it saves verify steps; and
 * where worker and verifier share a machine it lengthens all that are left. All
 * become milliseconds: those that its passes took, those of the steps that the
 * tokens only it proposed stood for, and by how much a step beside it takes
 * longer than one without.
 *
 * Accounts are kept apart for turns with passages and without, greedy and
 * sampled, of each namespace, and forgotten slowly. What is saved is kept in
 * steps and valued at the pace of the latest ones. A namespace begins with what
 * others' turns of the kind have shown, or those of the other temperature: they
 * are numbers about time, nothing of any text.
 *
 * What seems the worse of the two, with it or without, is tried again ever more
 * rarely, so that what trials cost grows with the logarithm of the turns.
 */
import { Lru } from '../../draft/lru.ts';

/**
 * Of a step, what a token saves that only the model proposed: without it, it is
 * the target's own token at a step's end. Measured 0.7 to 0.9, the steps of the
 * same questions with the model and without; less than 1 as the step that it
 * lengthens ends where the next one could have gone on.
 */
const STEPS_A_TOKEN = 0.8;
/** What a millisecond of the worker is worth in milliseconds of the verifier, which holds a GPU. */
const PRICE = 0.15;
/** What is remembered of a turn after the next. */
const MEMORY = 0.95;
/** And of a step's time: turns of both ways are compared. */
const STEP_MEMORY = 0.95;
/** Remembered turns that are enough to know; until then it is drafted in any case. */
const TRIALS = 1.9;
/** Times its average that a step may count for. */
const STALLED = 2;
/** Turns before what seems worse is tried again, the first time; doubled by every trial that changes nothing. */
const FIRST_PROBE = 16;
/** Times longer, at most, where one is clearly the worse: its trials cost the most and are least likely to change anything. */
const CLEAREST = 8;
/** Milliseconds that a turn may spend on drafts before it has to show for them. */
const GRACE_MS = 60;
/** Namespaces of which accounts are kept; the one used longest ago goes first. */
const MAX_ACCOUNTS = 4_096;

/** Among such turns it pays alike. */
export interface TurnKind {
  namespace: string;
  /** With passages. */
  grounded: boolean;
  /** At a temperature above 0. */
  sampled: boolean;
  /** The prompt's tokens, by powers of two: what a step takes goes with them. */
  length: number;
}

interface Account {
  spentMs: number;
  savedSteps: number;
  /** Of the turns that it drafted in, while it did. */
  steps: number;
  /** Turns that are remembered, the older ones in part. */
  turns: number;
  /** Turns since the last trial, and how many there are to be. */
  waited: number;
  interval: number;
  /** What the last turn left it at. */
  paid: boolean;
}

type Known = Pick<Account, 'turns' | 'spentMs' | 'savedSteps' | 'steps'>;

/** Milliseconds of a step, an average of the latest; 0 before the first. Such a step counts for no more than twice that: one that stalled says nothing of the others. */
interface StepTime {
  plain: number;
  /** With the model computing beside it. */
  drafting: number;
}

const NOBODY = '';

export class Payoff {
  private readonly accounts = new Lru<Account>(MAX_ACCOUNTS);
  /** By kind, whoever it is of: how long a step takes depends on what is in the context. */
  private readonly stepTimes = new Map<string, StepTime>();

  /** Whether a turn of this kind should have the draft model. */
  admits(kind: TurnKind): boolean {
    const known = this.known(kind);
    if (known.turns < TRIALS) return true;
    // Nobody knows yet what a step takes without it.
    if (this.stepTime(kind).plain === 0) return false;
    const { saved, cost } = this.balance(known, kind);
    const pays = saved >= cost;
    const account = this.of(kind);
    settle(account, pays);
    if (++account.waited < account.interval * clearness(saved, cost)) return pays;
    account.waited = 0;
    account.interval *= 2;
    return !pays;
  }

  /** Begins to keep the account of a turn. */
  turn(kind: TurnKind): TurnPayoff {
    return new TurnPayoff(this.stepTime(kind), (turn) => {
      for (const namespace of [kind.namespace, NOBODY]) {
        const account = this.of({ ...kind, namespace });
        account.spentMs = account.spentMs * MEMORY + turn.spentMs;
        account.savedSteps = account.savedSteps * MEMORY + turn.savedSteps;
        account.steps = account.steps * MEMORY + turn.steps;
        account.turns = account.turns * MEMORY + 1;
        const { saved, cost } = this.balance(account, kind);
        settle(account, saved >= cost);
      }
    });
  }

  /** A step of such a turn took so long, while the model drafted in it or not. */
  paced(kind: TurnKind, drafting: boolean, stepMs: number): void {
    const time = this.stepTime(kind);
    const way = drafting ? 'drafting' : 'plain';
    const known = time[way];
    const ms = known === 0 ? stepMs : Math.min(stepMs, STALLED * known);
    time[way] = known === 0 ? ms : known * STEP_MEMORY + ms * (1 - STEP_MEMORY);
    // The model shortens no step: then all have become shorter since one without it was seen.
    if (drafting && time.plain > time.drafting) time.plain = time.drafting;
  }

  /** In milliseconds. */
  private balance({ savedSteps, spentMs, steps }: Known, kind: TurnKind) {
    const time = this.stepTime(kind);
    return {
      saved: savedSteps * plainMs(time),
      cost: steps * slowedMs(time) + PRICE * spentMs,
    };
  }

  private stepTime({ grounded, sampled, length }: TurnKind): StepTime {
    const key = `${grounded} ${sampled} ${length}`;
    const time = this.stepTimes.get(key) ?? { plain: 0, drafting: 0 };
    this.stepTimes.set(key, time);
    return time;
  }

  /** The namespace's own turns; where they are fewer than `TRIALS`, others' in their place. */
  private known(kind: TurnKind): Known {
    const own = this.of(kind);
    if (own.turns >= TRIALS) return own;
    const others = [
      { ...kind, namespace: NOBODY },
      { ...kind, sampled: !kind.sampled },
      { ...kind, namespace: NOBODY, sampled: !kind.sampled },
    ].map((other) => this.of(other));
    const prior = others.find(({ turns }) => turns >= 1);
    if (!prior) return own;
    const share = Math.min(1, (TRIALS - own.turns) / prior.turns);
    return {
      turns: own.turns + prior.turns * share,
      spentMs: own.spentMs + prior.spentMs * share,
      savedSteps: own.savedSteps + prior.savedSteps * share,
      steps: own.steps + prior.steps * share,
    };
  }

  private of({ namespace, grounded, sampled }: TurnKind): Account {
    const key = `${namespace} ${grounded} ${sampled}`;
    return this.accounts.of(key, () => ({
      spentMs: 0,
      savedSteps: 0,
      steps: 0,
      turns: 0,
      waited: 0,
      interval: FIRST_PROBE,
      paid: true,
    }));
  }
}

/** Once the verdict is another one, trials begin anew. */
function settle(account: Account, pays: boolean): void {
  if (pays === account.paid) return;
  account.paid = pays;
  account.waited = 0;
  account.interval = FIRST_PROBE;
}

/** How many times more one is than the other, from 1 to `CLEAREST`. */
function clearness(saved: number, cost: number): number {
  return Math.min(CLEAREST, Math.max(saved, cost) / Math.min(saved, cost));
}

/** What saving a step is worth. */
function plainMs({ plain, drafting }: StepTime): number {
  return plain > 0 ? plain : drafting;
}

/** By how much the model lengthens a step. */
function slowedMs({ plain, drafting }: StepTime): number {
  return plain > 0 ? Math.max(0, drafting - plain) : 0;
}

export class TurnPayoff {
  spentMs = 0;
  savedSteps = 0;
  steps = 0;
  private grossMs = 0;
  /** What the steps beside it took longer than steps without it. */
  private slowedMs = 0;
  private readonly time: Readonly<StepTime>;
  private readonly close: (turn: TurnPayoff) => void;
  private draftingMs = 0;
  private ended = false;

  constructor(time: Readonly<StepTime>, close: (turn: TurnPayoff) => void) {
    this.time = time;
    this.close = close;
  }

  /** On a pass over the context, or over candidates, which alone can show something in this turn. */
  spend(ms: number, on: 'context' | 'drafts'): void {
    this.spentMs += ms;
    if (on === 'drafts') this.draftingMs += ms;
  }

  /** Of what `steps` committed in `ms`, nobody else had proposed `own` tokens. */
  commit(own: number, steps: number, ms: number): void {
    if (steps === 0 || this.ended) return;
    const plain = this.time.plain > 0 ? this.time.plain : ms / steps;
    this.steps += steps;
    this.savedSteps += own * STEPS_A_TOKEN;
    this.grossMs += own * STEPS_A_TOKEN * plain;
    this.slowedMs += Math.min(ms, STALLED * steps * plain) - steps * plain;
  }

  /** Of verify steps, less what the steps beside it took longer. */
  get savedMs(): number {
    return this.grossMs - Math.max(0, this.slowedMs);
  }

  /** Whether it has cost so much more than it brought that the turn continues without. */
  get hopeless(): boolean {
    return this.draftingMs > GRACE_MS && this.savedMs < PRICE * this.draftingMs;
  }

  /** Adds the turn to what is known. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    // One that was over before it began shows nothing.
    if (this.spentMs > 0) this.close(this);
  }
}
