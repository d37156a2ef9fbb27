/**
 * The worker's half of the loop: read what the target committed, advance the
 * draft state, send a fresher tree. The verifier never waits for it; a tree
 * that comes late is re-rooted there along what was committed since.
 */
import type { Drafter, Region } from '../draft/drafter.ts';
import { TokenTree } from '../draft/tree/tree.ts';
import type { LinkEvent } from '../link/client.ts';
import type { TurnLink } from '../link/failover.ts';
import {
  type Accept,
  type DraftWord,
  MAX_SPAN_TOKENS,
  type Open,
  type Recycled,
  type Span,
} from '../link/protocol/index.ts';
import { beyondEcho } from './beyond-echo.ts';

/** Nodes of a tree on the wire: more than are verified in a step, so that it outlives several. */
const WIRE_NODES = 64;

/** What only the worker's stores hold and the verifier's echo should draft from too. */
export interface SpanSource {
  /**
   * Spans not handed out before that may help from here on, of at most `room`
   * tokens together and `MAX_FRAME_SPAN_TOKENS` each. Asked when the turn opens and after every step; mostly there
   * are none.
   */
  next(room: number): Span[];
  /** Calls back, once begun, whenever more has come in between two steps. */
  notify?(arrived: () => void): void;
}

export interface Drafting {
  drafter: Drafter;
  /** What the drafter begins with: at least the prompt, and before it what did not fit into it. */
  tokens: Int32Array;
  regions: readonly Region[];
  spans?: SpanSource;
  /** Told what steps found likely, after their commits, where `open` asked for it. */
  observe?: ((told: Recycled) => void) | undefined;
  model?: TurnModel | null;
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

/** Drives one turn to its end, yielding what the verifier says. `drafting` null leaves it to the verifier. */
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
    if (!drafting || !link.canSend || !link.caughtUp) return;
    tree.clear();
    drafting.drafter.draft(tree, WIRE_NODES);
    const { drafting: mode, transfer } = open.settings;
    // What is said of nodes needs the nodes, whoever else proposes them.
    const echoed = mode === 'echoed' && !transfer;
    if (echoed) beyondEcho(tree, beyond);
    const sent = echoed ? beyond : tree;
    const words = transfer ? drafting.model?.words(sent) : undefined;
    if (sent.size > 0 || words?.length || mode === 'lockstep') {
      link.sendTree(sent, committed, words);
    }
  };

  /** Everything shipped in this turn: the next verifier has none of it. */
  const shipped: Span[] = [];
  let room = MAX_SPAN_TOKENS;
  const ship = () => {
    const spans = drafting?.spans?.next(room) ?? [];
    for (const { tokens } of spans) room -= tokens.length;
    shipped.push(...spans);
    link.sendSpans(spans);
  };

  let opened = false;
  drafting?.spans?.notify?.(() => {
    if (!opened) return;
    ship();
    propose();
  });

  // Grown while the connection is made, sent right behind `open`.
  drafting?.drafter.begin(drafting.tokens, drafting.regions);
  drafting?.model?.start(() => {
    if (opened) propose();
  });
  for await (const event of link.events(open)) {
    if (event.type === 'opened') {
      opened = true;
      link.sendSpans(shipped);
      ship();
      propose();
      continue;
    }
    if (event.type === 'accept') {
      committed = event.position + event.tokens.length;
      drafting?.drafter.commit(event.tokens);
      if (event.recycled) drafting?.observe?.(event.recycled);
      drafting?.model?.committed(event);
      ship();
      propose();
    }
    yield event;
  }
}
