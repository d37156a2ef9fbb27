/**
 * Decides in each step which sessions are drafted for and how many nodes of each
 * tree are verified, and watches over what that brings:
 *
 *   propose   every session that may draws its candidates
 *   allot     nodes go to the most probable candidates of all sessions, as long as
 *             they bring more tokens per expected time (`allotNodes`)
 *   settle    what was accepted corrects the drafters' promises (`Acceptance`); what
 *             it brought and cost goes to the namespace's account at this load
 *             (`DraftingAccount`), which pauses drafting where it does not pay
 *
 * Allotting trusts the cost model and the drafters; the account trusts neither.
 */
import { Lru } from '../../src/draft/lru.ts';
import { type Allotment, allotNodes, type GrowingStep } from '../../src/draft/tree/budget.ts';
import type { TokenTree } from '../../src/draft/tree/tree.ts';
import { ACCEPT_RULES, type AcceptRuleName } from '../../src/link/protocol/index.ts';
import { loadClass } from '../drafters/load-class.ts';
import { MOST_OVER } from '../drafters/price.ts';
import type { Engine, Slot } from '../engine/engine.ts';
import { Acceptance, type Accepted } from './acceptance.ts';
import { DraftingAccount } from './drafting-account.ts';
import { PlainPace } from './plain-pace.ts';

/** Records that are kept, one a namespace and accept rule; the one used longest ago is forgotten first. */
const MAX_STANDINGS = 256 * ACCEPT_RULES.length;

/**
 * A candidate is not drawn if it brings less than half of the mean price of the first eight
 * nodes. Some of those left out would have cost nothing, where rows are padded.
 */
const PRICED_NODES = 8;
const NOT_WORTH_DRAWING = 0.5;

/** What sizing needs of a session. */
export interface Draftable {
  readonly namespace: string;
  /** How its drafts are accepted: what one rule takes of them says nothing of another. */
  readonly rule: AcceptRuleName;
  readonly slot: Slot;
  /** Whether the turn is drafted for at all. */
  readonly isDrafted: boolean;
  /** What the last step verified and accepted; null where the session ended before it was over. */
  readonly outcome: { tree: TokenTree; walk: Accepted } | null;
  /** What it proposed last, as it would be without a network's words; null where it said none. Sizing changes it in place. */
  readonly probsWithout: Float64Array | null;
}

/** What is known of a namespace's turns of one accept rule. */
interface Standing {
  acceptance: Acceptance;
  /** By class of load. */
  accounts: DraftingAccount[];
}

export interface SizedStep extends Allotment {
  /** Which sessions were asked for candidates. */
  drafting: readonly boolean[];
  /** The same without the words of a network; null where it said none. */
  without: Allotment | null;
}

const NOTHING = new Float64Array(0);

export class TreeSizing {
  private readonly engine: Pick<Engine, 'plan'>;
  /** By rule and namespace, the one used longest ago first. */
  private readonly standings = new Lru<Standing>(MAX_STANDINGS);
  /** By class of load. */
  private readonly paces: PlainPace[] = [];

  constructor(engine: Pick<Engine, 'plan'>) {
    this.engine = engine;
  }

  /** Which of the sessions are drafted for in the next step. */
  drafting(sessions: readonly Draftable[]): boolean[] {
    const load = loadClass(sessions.length);
    const rests = this.pace(load).due;
    return sessions.map((session) => {
      return session.isDrafted && !rests && !this.account(session, load).paused;
    });
  }

  /**
   * Sizes the trees of a step. `propose` draws a session's candidates and returns
   * their path probabilities in falling order, which may be changed; those below
   * `least` it may leave out.
   */
  size<S extends Draftable>(
    sessions: readonly S[],
    propose: (session: S, least: number) => Float64Array,
    drafting: readonly boolean[] = this.drafting(sessions),
  ): SizedStep {
    const load = loadClass(sessions.length);
    const slots = sessions.map(({ slot }) => slot);
    const price = drafting.includes(true) ? nodePrice(this.engine.plan(slots), slots.length) : 0;
    const believed = (session: S, falling: Float64Array) => {
      const few = falling.subarray(0, this.account(session, load).mostNodes);
      this.standing(session).acceptance.correct(few);
      return few;
    };
    const proposed = sessions.map((session, i) => {
      if (!drafting[i]) return NOTHING;
      const least = (NOT_WORTH_DRAWING * price) / this.standing(session).acceptance.most;
      return believed(session, propose(session, least));
    });
    const others = sessions.map((session, i) => {
      const { probsWithout } = session;
      return drafting[i] && probsWithout ? believed(session, probsWithout) : null;
    });
    const without = others.some((other) => other)
      ? allotNodes(
          others.map((other, i) => other ?? proposed[i]!),
          this.engine.plan(slots),
        )
      : null;
    return { drafting, without, ...allotNodes(proposed, this.engine.plan(slots)) };
  }

  /**
   * Of the `milliseconds` of a step what the nodes took that a network's words led to, as
   * the cost curve has it, by session; below nothing where trees would be larger without them.
   */
  timeOwed(sessions: readonly Draftable[], sized: SizedStep, milliseconds: number): number[] {
    const { without, nodes, cost } = sized;
    if (!without) return sessions.map(() => 0);
    const changes = sessions.map(({ probsWithout }, i) => {
      return sized.drafting[i] && probsWithout ? Math.abs(nodes[i]! - without.nodes[i]!) : 0;
    });
    const changed = changes.reduce((sum, count) => sum + count, 0);
    if (changed === 0) return changes;
    const { ratio } = this.pace(loadClass(sessions.length));
    const took = Math.min(milliseconds, MOST_OVER * ratio * cost);
    const owed = took * (1 - without.cost / cost);
    return changes.map((count) => (owed * count) / changed);
  }

  /** Takes in what became of a step, and the milliseconds from its sizing to its end. */
  settle(sessions: readonly Draftable[], sized: SizedStep, milliseconds: number): void {
    const load = loadClass(sessions.length);
    const pace = this.pace(load);
    const resting = sessions.filter(({ isDrafted }, i) => isDrafted && !sized.drafting[i]);
    for (const account of new Set(resting.map((one) => this.account(one, load)))) account.rest();
    if (!sized.drafting.includes(true)) return pace.plain(milliseconds / sized.plainCost);
    const plain = pace.ratio * sized.plainCost;
    const took = Math.min(milliseconds, MOST_OVER * pace.ratio * sized.cost);
    // A session that was drafted for in vain has its share in the time as well.
    const weights = sessions.map((_, i) => (sized.drafting[i] ? 1 + sized.nodes[i]! : 0));
    const weight = weights.reduce((sum, one) => sum + one, 0);
    const stake = sized.cost / sized.plainCost - 1;
    const results = new Map<DraftingAccount, { gain: number; stake: number; nodes: number }>();
    let extra = 0;
    sessions.forEach((session, i) => {
      if (!sized.drafting[i]) return;
      const account = this.account(session, load);
      const { outcome } = session;
      if (outcome) this.standing(session).acceptance.observe(outcome.tree, outcome.walk);
      const accepted = outcome ? outcome.walk.count - 1 : 0;
      extra += accepted;
      const share = weights[i]! / weight;
      const result = results.get(account) ?? { gain: 0, stake: 0, nodes: 0 };
      result.gain += accepted / sessions.length - (took / plain - 1) * share;
      result.stake += stake * share;
      result.nodes += sized.nodes[i]!;
      results.set(account, result);
    });
    for (const [account, { gain, stake, nodes }] of results) account.settle(gain, stake, nodes);
    pace.drafted(((1 + extra / sessions.length) * plain) / took);
  }

  private pace(load: number): PlainPace {
    this.paces[load] ??= new PlainPace();
    return this.paces[load];
  }

  private account(session: Draftable, load: number): DraftingAccount {
    const { accounts } = this.standing(session);
    accounts[load] ??= new DraftingAccount();
    return accounts[load];
  }

  private standing({ rule, namespace }: Draftable): Standing {
    const make = () => ({ acceptance: new Acceptance(), accounts: [] });
    return this.standings.of(`${rule} ${namespace}`, make);
  }
}

/**
 * What a node has to bring to pay for itself, in tokens: of a few nodes more, so that
 * one riser of the curve does not speak for all.
 */
function nodePrice(step: GrowingStep, sessions: number): number {
  const plainCost = step.cost;
  for (let i = 0; i < PRICED_NODES; i++) step.add(i % sessions);
  return ((step.cost / plainCost - 1) * sessions) / PRICED_NODES;
}
