/**
 * The worker's half of the loop: read what the target committed, advance the
 * draft state, send a fresher tree. The verifier never waits for it; a tree
 * that comes late is re-rooted there along what was committed since.
 */
import type { Drafter } from '../draft/drafter.ts';
import { TokenTree } from '../draft/tree.ts';
import type { Link, LinkEvent } from '../link/client.ts';
import type { Prompt } from './prompt.ts';

/** Nodes of a tree on the wire: more than are verified in a step, so that it outlives several. */
export const WIRE_NODES = 96;

export interface Drafting {
  drafter: Drafter;
  /** Nodes of the trees sent, 1 to 512. */
  nodes: number;
}

/** Drives one turn to its end, yielding what the verifier says. `drafting` null leaves it to the verifier. */
export async function* runTurn(
  link: Link,
  prompt: Prompt,
  drafting: Drafting | null,
): AsyncGenerator<LinkEvent> {
  let committed = prompt.tokens.length;
  const tree = new TokenTree(drafting?.nodes ?? 1);
  const propose = () => {
    if (!drafting || !link.canSend) return;
    tree.clear();
    drafting.drafter.draft(tree, drafting.nodes);
    if (tree.size > 0) link.sendTree(tree, committed);
  };

  // The first tree grows while the verifier prefills.
  drafting?.drafter.begin(prompt.draftTokens, prompt.draftRegions);
  propose();
  for await (const event of link.events()) {
    if (event.type === 'accept') {
      committed = event.position + event.tokens.length;
      drafting?.drafter.commit(event.tokens);
      propose();
    }
    yield event;
  }
}
