/**
 * What is worth reading in one run of a network: nodes by falling worth as long as they
 * bring more than they cost, and a run only where all of it does.
 */
import type { Network, NetworkedTurn, OpenNode } from './network.ts';

/** Nodes of one session that a run reads. */
const PASS_NODES = 12;
/** Committed tokens that were not read beyond which a run is there to catch up. */
const CATCH_UP = 8;

/** What a run is to read, by turn, and what it is expected to take in milliseconds. */
export interface PlannedRun {
  chosen: Map<NetworkedTurn, OpenNode[]>;
  cost: number;
}

/**
 * Where the whole would not pay, what turns that insist want.
 * @param tokenMs what a token of a turn is worth in milliseconds
 * @param always so many nodes of each turn, whatever they cost
 */
export function planRun(
  network: Network,
  turns: readonly NetworkedTurn[],
  tokenMs: (turn: NetworkedTurn) => number,
  always?: number,
): PlannedRun {
  const chosen = new Map<NetworkedTurn, OpenNode[]>();
  const step = network.plan(turns.map((turn) => turn.held));
  // A run that would not pay if every session gained a token by it is not prepared for either.
  const hope = turns.reduce((sum, turn) => sum + tokenMs(turn), 0);
  if (!always && step.cost >= hope) return { chosen, cost: step.cost };
  let worth = 0;
  for (const [i, turn] of turns.entries()) {
    for (let row = 1; row < turn.behind && row < network.mostTokens; row++) step.add(i);
    if (turn.behind > network.mostTokens) {
      chosen.set(turn, []);
      continue;
    }
    const best = turn.openNodes().slice(0, always ?? PASS_NODES);
    const ms = tokenMs(turn);
    const kept: OpenNode[] = [];
    for (const candidate of best) {
      const before = step.cost;
      if (kept.length > 0) step.add(i);
      const cost = step.cost - before;
      if (!always && candidate.worth * ms < cost) break;
      kept.push(candidate);
      worth += candidate.worth * ms;
    }
    if (kept.length > 0) chosen.set(turn, kept);
  }
  const { cost } = step;
  // Catching up brings nothing by itself: the allowance alone decides on it.
  const reads = [...chosen.keys()].some((turn) => turn.behind > CATCH_UP);
  if (always || reads || worth >= cost) return { chosen, cost };
  return { chosen: new Map([...chosen].filter(([{ insists }]) => insists)), cost };
}
