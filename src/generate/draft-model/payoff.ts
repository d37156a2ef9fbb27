/**
 * Whether the draft model pays. It computes on the worker's one thread, where
 * accept frames and other requests wait meanwhile, and on a small machine beside
 * the verifier; it saves verify steps. Both become milliseconds: those that its
 * passes took, and those of the steps that the tokens only it proposed stood for.
 *
 * Accounts are kept apart for turns with passages and without, greedy and
 * sampled, of each namespace, and forgotten slowly. What is saved is kept in
 * steps and valued at the pace of the latest ones. A namespace begins with what
 * others' turns of the kind have shown, or those of the other temperature: they
 * are numbers about time, nothing of any text.
 *
 * Where it does not pay it is tried again ever more rarely, so that what trials
 * cost grows with the logarithm of the turns.
 */

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
/** And of a step's time. */
const STEP_MEMORY = 0.9;
/** Remembered turns that are enough to know; until then it is drafted in any case. */
const TRIALS = 1.9;
/** Turns without it before it is tried again, the first time; doubled by every trial that fails. */
const FIRST_PROBE = 16;
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
}

interface Account {
  spentMs: number;
  savedSteps: number;
  /** Turns that are remembered, the older ones in part. */
  turns: number;
  /** Turns without it since the last trial, and how many there are to be. */
  skipped: number;
  interval: number;
}

const NOBODY = '';

export class Payoff {
  private readonly accounts = new Map<string, Account>();
  private stepMs = 0;

  /** Whether a turn of this kind should have the draft model. */
  admits(kind: TurnKind): boolean {
    const known = this.known(kind);
    if (known.turns < TRIALS || this.pays(known)) return true;
    const account = this.of(kind);
    if (++account.skipped < account.interval) return false;
    account.skipped = 0;
    account.interval *= 2;
    return true;
  }

  /** Begins to keep the account of a turn. */
  turn(kind: TurnKind): TurnPayoff {
    return new TurnPayoff((spentMs, savedSteps) => {
      for (const namespace of [kind.namespace, NOBODY]) {
        const account = this.of({ ...kind, namespace });
        account.spentMs = account.spentMs * MEMORY + spentMs;
        account.savedSteps = account.savedSteps * MEMORY + savedSteps;
        account.turns = account.turns * MEMORY + 1;
        if (this.pays(account)) account.interval = FIRST_PROBE;
      }
    });
  }

  /** A step took so long, with the model or without. */
  paced(stepMs: number): void {
    this.stepMs =
      this.stepMs === 0 ? stepMs : this.stepMs * STEP_MEMORY + stepMs * (1 - STEP_MEMORY);
  }

  private pays({ savedSteps, spentMs }: Pick<Account, 'savedSteps' | 'spentMs'>): boolean {
    return savedSteps * this.stepMs >= PRICE * spentMs;
  }

  /** The namespace's own turns; where they are fewer than `TRIALS`, others' in their place. */
  private known(kind: TurnKind): Pick<Account, 'turns' | 'spentMs' | 'savedSteps'> {
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
    };
  }

  private of({ namespace, grounded, sampled }: TurnKind): Account {
    const key = `${namespace} ${grounded} ${sampled}`;
    const account = this.accounts.get(key) ?? {
      spentMs: 0,
      savedSteps: 0,
      turns: 0,
      skipped: 0,
      interval: FIRST_PROBE,
    };
    this.accounts.delete(key);
    this.accounts.set(key, account);
    for (const oldest of this.accounts.keys()) {
      if (this.accounts.size <= MAX_ACCOUNTS) break;
      this.accounts.delete(oldest);
    }
    return account;
  }
}

type Close = (spentMs: number, savedSteps: number) => void;

export class TurnPayoff {
  spentMs = 0;
  savedMs = 0;
  private readonly close: Close;
  private draftingMs = 0;
  private savedSteps = 0;
  private ended = false;

  constructor(close: Close) {
    this.close = close;
  }

  /** On a pass over the context, or over candidates, which alone can show something in this turn. */
  spend(ms: number, on: 'context' | 'drafts'): void {
    this.spentMs += ms;
    if (on === 'drafts') this.draftingMs += ms;
  }

  /** Of what `steps` committed in `ms`, nobody else had proposed `own` tokens. */
  commit(own: number, steps: number, ms: number): void {
    if (steps === 0) return;
    this.savedSteps += own * STEPS_A_TOKEN;
    this.savedMs += own * STEPS_A_TOKEN * (ms / steps);
  }

  /** Whether it has cost so much more than it brought that the turn goes on without. */
  get hopeless(): boolean {
    return this.draftingMs > GRACE_MS && this.savedMs < PRICE * this.draftingMs;
  }

  /** Adds the turn to what is known. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    // One that was over before it began shows nothing.
    if (this.spentMs > 0) this.close(this.spentMs, this.savedSteps);
  }
}
