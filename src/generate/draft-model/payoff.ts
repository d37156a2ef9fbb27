/**
 * Whether the draft model pays. It computes on the worker's one thread, where
 * accept frames and other requests wait meanwhile; it saves verify steps. Both
 * are milliseconds: those that its passes took, and those of the steps that the
 * tokens only it proposed would have cost, each one step's share.
 *
 * Kept apart for turns with passages and without, greedy and sampled, and
 * forgotten slowly, since a target's pace and a tenant's questions change.
 */

/** What a millisecond of the worker is worth in milliseconds of the verifier, which holds a GPU. */
const PRICE = 0.5;
/** What is remembered of a turn after the next. */
const MEMORY = 0.9;
/** Turns that are drafted in any case, to know. */
const TRIALS = 2;
/** Where it does not pay, one turn in so many tries again. */
const PROBE_EVERY = 24;
/** Milliseconds that a turn may spend before it has to show for them. */
const GRACE_MS = 60;

interface Account {
  spentMs: number;
  savedMs: number;
  turns: number;
  skipped: number;
}

export class Payoff {
  private readonly accounts = new Map<string, Account>();

  /** Whether a turn of this kind should have the draft model. */
  admits(kind: string): boolean {
    const account = this.of(kind);
    if (account.turns < TRIALS || pays(account)) return true;
    account.skipped++;
    return account.skipped % PROBE_EVERY === 0;
  }

  /** Begins to keep the account of a turn. */
  turn(kind: string): TurnPayoff {
    return new TurnPayoff(this.of(kind));
  }

  private of(kind: string): Account {
    let account = this.accounts.get(kind);
    if (!account) {
      account = { spentMs: 0, savedMs: 0, turns: 0, skipped: 0 };
      this.accounts.set(kind, account);
    }
    return account;
  }
}

export class TurnPayoff {
  spentMs = 0;
  savedMs = 0;
  private readonly account: Account;
  private tokens = 0;
  private steps = 0;
  private ended = false;

  constructor(account: Account) {
    this.account = account;
  }

  spend(ms: number): void {
    this.spentMs += ms;
  }

  /** Steps that committed `tokens`, `own` of them proposed by nobody else, in `ms`. */
  commit(tokens: number, own: number, steps: number, ms: number): void {
    this.tokens += tokens;
    this.steps += steps;
    if (this.tokens > 0 && steps > 0) {
      this.savedMs += own * (ms / steps) * (this.steps / this.tokens);
    }
  }

  /** Whether it has cost so much more than it brought that the turn goes on without. */
  get hopeless(): boolean {
    return this.spentMs > GRACE_MS && !pays(this);
  }

  /** Adds the turn to what is known. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    const { account } = this;
    account.turns++;
    account.spentMs = account.spentMs * MEMORY + this.spentMs;
    account.savedMs = account.savedMs * MEMORY + this.savedMs;
  }
}

function pays({ spentMs, savedMs }: { spentMs: number; savedMs: number }): boolean {
  return savedMs >= PRICE * spentMs;
}
