/** A network beside the engine whose words are scripted, in time that only the test moves. */
import type { Outcome } from '../../gpu-backend/drafters/local-drafters.ts';
import type { Network } from '../../gpu-backend/drafters/network.ts';
import {
  NetworkedDrafters,
  type NetworkedOptions,
} from '../../gpu-backend/drafters/networked-drafters.ts';
import type { Turn as AskedTurn } from '../../gpu-backend/turn/admit.ts';
import { Noise } from '../../src/draft/noise.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { turnOf } from '../support/turn.ts';
import { type Script, ScriptedNetwork } from './scripted-network.ts';

const VOCAB = 1000;
const noise = new Noise([1, 2]);
/** What a target writes that can't be foreseen: the token at a position. */
export function truth(position: number): number {
  noise.at(position);
  return Math.floor(Math.exp(-Math.exp(-noise.gumbel(0))) * VOCAB) % VOCAB;
}
export const right: Script = (_, position) => [
  [truth(position), 0.9],
  [1, 0.05],
];
export const wrong: Script = (_, position) => [[(truth(position) + 1) % VOCAB, 0.9]];

/** Time in milliseconds that only what is tested moves. */
class Time {
  ms = 0;
  now = (): number => this.ms;
}

export function world(script: Script, options: NetworkedOptions = {}) {
  const { networks, ...made } = worldOf([script], options);
  return { ...made, network: networks[0]! };
}

/** A world with a network for each script. */
export function worldOf(scripts: readonly Script[], options: NetworkedOptions = {}) {
  const time = new Time();
  const networks = scripts.map((script) => new ScriptedNetwork(VOCAB, script));
  const drafters = new NetworkedDrafters(networks, time, options);
  const begin = (namespace = 'a', length = 8, changes: Partial<AskedTurn> = {}) => {
    const prompt = Int32Array.from({ length }, (_, i) => truth(i));
    const turn = turnOf({ prompt, namespace, maxTokens: 20_000, ...changes });
    const seat = drafters.seat(turn);
    seat.begin(prompt, []);
    let position = length;
    return {
      seat,
      drawn(budget = 32) {
        const tree = new TokenTree();
        seat.draft(tree, budget);
        tree.checkIntegrity();
        return tree;
      },
      /** How deep a tree carries what comes. */
      depth(tree: TokenTree) {
        let node = ROOT;
        for (let depth = 0; ; depth++) {
          node = tree.child(node, truth(position + depth));
          if (node < 0) return depth;
        }
      },
      /** What comes next. */
      next: () => truth(position),
      commit(count: number) {
        seat.commit(Int32Array.from({ length: count }, (_, i) => truth(position + i)));
        position += count;
      },
    };
  };
  return { time, networks, drafters, begin };
}

/** How far the tree of a turn follows the truth after `network` was asked in four passes. */
export async function depthOver(network: Network, prompt: Int32Array): Promise<number> {
  const drafters = new NetworkedDrafters([network], { now: () => 0 }, ALWAYS);
  const seat = drafters.seat(turnOf({ prompt }));
  seat.begin(prompt, []);
  await drafters.prepare([seat], 1);
  const tree = new TokenTree();
  seat.draft(tree, 32);
  let at: number = ROOT;
  for (let deep = 0; ; deep++) {
    at = tree.child(at, truth(prompt.length + deep));
    if (at < 0) return deep;
  }
}

export type World = ReturnType<typeof world>;
export type Turn = ReturnType<World['begin']>;

/** Of a step without what a network adds. */
export const STEP_MS = 20;

/** By all networks together. */
export function allSpent(
  { spent }: Pick<NetworkedDrafters, 'spent'>,
  what: 'passes' | 'milliseconds' | 'verifyMilliseconds' | 'tokens',
): number {
  return spent.reduce((sum, one) => sum + one[what], 0);
}

/** A step of `ms` milliseconds is over, in which nobody else stepped. */
export function settle(
  drafters: Pick<NetworkedDrafters, 'settle'>,
  outcomes: readonly Outcome[],
  ms: number,
): void {
  const tokens = outcomes.reduce((sum, one) => sum + one.tokens, 0);
  drafters.settle(outcomes, { ms, sessions: outcomes.length, tokens });
}

/** A step of all turns, which commit what their trees carry; the network's passes in it. */
export async function step(
  { drafters, time }: Pick<World, 'drafters' | 'time'>,
  turns: readonly Turn[],
  nodeMs = 0,
) {
  const before = allSpent(drafters, 'passes');
  await drafters.prepare(
    turns.map(({ seat }) => seat),
    turns.length,
  );
  const accepted = turns.map((turn) => turn.depth(turn.drawn(8)));
  const owed = turns.map((turn, i) => {
    const without = new TokenTree();
    const said = turn.seat.networked!.draftWithout(without, 8);
    return said ? accepted[i]! - turn.depth(without) : 0;
  });
  for (const [i, turn] of turns.entries()) turn.commit(1 + accepted[i]!);
  time.ms += STEP_MS;
  const outcomes = turns.map(({ seat }, i) => ({
    seat,
    tokens: 1 + accepted[i]!,
    extra: owed[i]!,
    extraMs: owed[i]! > 0 ? nodeMs : 0,
  }));
  settle(drafters, outcomes, STEP_MS + nodeMs);
  return allSpent(drafters, 'passes') - before;
}

export const ALWAYS = { always: { passes: 4, nodes: 4 } };
