/**
 * The worker's half of the loop: read what the target committed, advance the
 * draft state, send a fresher tree. The verifier never waits for it; a tree
 * that comes late is re-rooted there along what was committed since.
 */
import type { Drafter, Region } from '../draft/drafter.ts';
import { TokenTree } from '../draft/tree.ts';
import type { LinkEvent } from '../link/client.ts';
import type { TurnLink } from '../link/failover.ts';
import type { Open } from '../link/frames/index.ts';

/** Nodes of a tree on the wire: more than are verified in a step, so that it outlives several. */
export const WIRE_NODES = 96;

export interface Drafting {
  drafter: Drafter;
  /** Nodes of the trees sent, 1 to 512. */
  nodes: number;
  /** What the drafter begins with: at least the prompt, and before it what did not fit into it. */
  tokens: Int32Array;
  regions: readonly Region[];
}

/** Drives one turn to its end, yielding what the verifier says. `drafting` null leaves it to the verifier. */
export async function* runTurn(
  link: TurnLink,
  open: Open,
  drafting: Drafting | null,
): AsyncGenerator<LinkEvent> {
  let committed = open.prompt.length;
  const tree = new TokenTree(drafting?.nodes ?? 1);
  const propose = () => {
    // With more to read the tree would be late already.
    if (!drafting || !link.canSend || !link.caughtUp) return;
    tree.clear();
    drafting.drafter.draft(tree, drafting.nodes);
    if (tree.size > 0 || open.settings.drafting === 'lockstep') link.sendTree(tree, committed);
  };

  // Grown while the connection is made, sent right behind `open`.
  drafting?.drafter.begin(drafting.tokens, drafting.regions);
  for await (const event of link.events(open)) {
    if (event.type === 'opened') {
      propose();
      continue;
    }
    if (event.type === 'accept') {
      committed = event.position + event.tokens.length;
      drafting?.drafter.commit(event.tokens);
      propose();
    }
    yield event;
  }
}
