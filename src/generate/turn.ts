/**
 * The worker's half of the loop: read what the target committed, advance the
 * draft state, send a fresher tree. The verifier never waits for it; a tree
 * that comes late is re-rooted there along what was committed since.
 */
import type { Drafter, Region } from '../draft/drafter.ts';
import { TokenTree } from '../draft/tree/tree.ts';
import type { LinkEvent } from '../link/client.ts';
import type { TurnLink } from '../link/failover.ts';
import type { Accept, DraftingMode, DraftWord, Open } from '../link/protocol/index.ts';
import { beyondEcho } from './beyond-echo.ts';
import type { SpanQueue } from './span-queue.ts';

/** Nodes of a tree on the wire: more than are verified in a step, so that it outlives several. */
const WIRE_NODES = 64;

/** Which of the worker's trees are worth sending. */
export interface TreeDelivery {
  /** Without what the verifier's echo draws by itself. */
  beyondEcho: boolean;
  /** Empty ones too: the verifier waits for a tree at every step. */
  evenEmpty: boolean;
}

export const TREE_DELIVERY: Record<Exclude<DraftingMode, 'off'>, TreeDelivery> = {
  echoed: { beyondEcho: true, evenEmpty: false },
  streamed: { beyondEcho: false, evenEmpty: false },
  lockstep: { beyondEcho: false, evenEmpty: true },
};

/** What drafts a turn, and how. */
export interface Drafting {
  /** null where the verifier's echo drafts alone, from the session's text and the spans. */
  drafter: Drafter | null;
  /** What the drafter begins with: at least the prompt, and before it what did not fit into it. */
  tokens: Int32Array;
  regions: readonly Region[];
  /** What only the worker has and the verifier's echo should draft from too. */
  spans: SpanQueue;
  trees: TreeDelivery;
  model?: TurnModel | null;
  /** The drafter has begun. */
  onBegin?(): void;
}

/** The draft model at work beside the turn. */
export interface TurnModel {
  /** Begins, once the drafter has; calls back whenever a tree drawn now would know more. */
  start(grown: () => void): void;
  /** The drafter knows what was committed. */
  committed(accept: Accept): void;
  /** What it said after nodes of a tree drawn now. */
  words(tree: TokenTree): DraftWord[];
}

/** Drives one turn to its end, yielding what the verifier says. `drafting` null leaves it to decode plainly. */
export async function* runTurn(
  link: TurnLink,
  open: Open,
  drafting: Drafting | null,
): AsyncGenerator<LinkEvent> {
  let committed = open.prompt.length;
  const tree = new TokenTree(drafting ? WIRE_NODES : 1);
  const beyond = new TokenTree(tree.capacity);
  const propose = () => {
    // With more to read the tree would be late already.
    if (!drafting?.drafter || !link.canSend || !link.caughtUp) return;
    tree.clear();
    drafting.drafter.draft(tree, WIRE_NODES);
    const { trees, model } = drafting;
    if (trees.beyondEcho) beyondEcho(tree, beyond);
    const sent = trees.beyondEcho ? beyond : tree;
    const words = open.settings.transfer ? model?.words(sent) : undefined;
    if (sent.size > 0 || words?.length || trees.evenEmpty) link.sendTree(sent, committed, words);
  };

  const ship = () => link.sendSpans(drafting?.spans.take() ?? []);

  let opened = false;
  drafting?.spans.onPush(() => {
    if (!opened) return;
    ship();
    propose();
  });

  // Grown while the connection is made, sent right after `open`.
  drafting?.drafter?.begin(drafting.tokens, drafting.regions);
  drafting?.onBegin?.();
  drafting?.model?.start(() => {
    if (opened) propose();
  });
  for await (const event of link.events(open)) {
    if (event.type === 'opened') {
      opened = true;
      // A verifier that takes the turn over has none of them.
      link.sendSpans(drafting?.spans.shipped ?? []);
      ship();
      propose();
      continue;
    }
    if (event.type === 'accept') {
      committed = event.position + event.tokens.length;
      drafting?.drafter?.commit(event.tokens);
      drafting?.model?.committed(event);
      ship();
      propose();
    }
    yield event;
  }
}
