/**
 * Is a node's result the same bits as that of its path fed token by token? Draws
 * random trees and compares every node: the proof of `EngineLimits.exact` on the
 * machine at hand, with its kernels and its threads.
 */
import type { Exactness, StepRow } from '../engine.ts';
import type { OrtEngine } from '../ort-engine.ts';
import { PANEL_ROWS } from '../panel.ts';
import { Conversation, stepRowOf } from './conversation.ts';
import { type RandomInteger, randomIntegers } from './random.ts';
import { randomContexts, randomParents, randomSize, withinPanels } from './random-trees.ts';

export interface ExactnessPlan {
  trees: number;
  /** Nodes of a tree, at most. */
  maxNodes: number;
  /** Tokens that a tree follows, at most. */
  maxContext: number;
  /** Sessions that step together, at most. */
  sessions: number;
  seed: number;
  /** No further tree is begun after so many milliseconds. */
  patienceMs?: number;
  onProgress?: (done: number, total: number) => void;
}

/** Slots that a plan takes: two a session, and one to copy into. */
export function slotsFor({ sessions }: ExactnessPlan): number {
  return 2 * sessions + 1;
}

/** What the companions of the first session hold and feed, at most: they are there to be company. */
const COMPANION_CONTEXT = 512;
const COMPANION_NODES = 8;

interface Tree {
  session: Conversation;
  row: StepRow;
}

/** Throws where the engine has too few slots for the plan. No other session may use the engine. */
export async function checkExactness(engine: OrtEngine, plan: ExactnessPlan): Promise<Exactness> {
  const random = randomIntegers(plan.seed);
  const tally = new Tally(engine.limits.vocabSize);
  const begun = performance.now();
  await engine.loadFor(plan.sessions);
  const sessions = Array.from({ length: plan.sessions }, (_, i) => {
    const longest = i === 0 ? plan.maxContext : Math.min(plan.maxContext, COMPANION_CONTEXT);
    const name = `exactness ${i}`;
    return new Conversation(engine, name, { longest, maxNodes: plan.maxNodes }, random);
  });
  const contexts = randomContexts(plan.trees, plan.maxContext, random);
  for (const [i, context] of contexts.entries()) {
    if (i > 0 && performance.now() - begun > (plan.patienceMs ?? Number.POSITIVE_INFINITY)) break;
    await tryTrees(engine, plan, sessions, context, random, tally);
    plan.onProgress?.(i + 1, contexts.length);
  }
  for (const session of sessions) session.release();
  return tally.found;
}

/** A tree for the first session after `context` tokens, and for some of the others, in one step. */
async function tryTrees(
  engine: OrtEngine,
  plan: ExactnessPlan,
  sessions: readonly Conversation[],
  context: number,
  random: RandomInteger,
  tally: Tally,
): Promise<void> {
  const most = Math.min(plan.maxNodes, engine.limits.maxRows);
  const trees: Tree[] = [];
  for (const [i, session] of sessions.entries()) {
    if (i > 0 && random(0, 1) === 0) continue;
    const wanted = i === 0 ? context : random(1, session.longest);
    await session.grow(Math.max(session.length, wanted));
    const nodes = Math.min(randomSize(most, random), i === 0 ? most : COMPANION_NODES);
    const parents = withinPanels(randomParents(nodes, random), session.length);
    trees.push({ session, row: stepRowOf(session.served, session.tokens(nodes), parents) });
  }
  await compare(engine, trees, tally);
  for (const { session, row } of trees) {
    const left = session.longest - session.length;
    let node = random(-1, row.count - 1);
    while (depthOf(row, node) > left) node = row.parents[node]!;
    session.commit(row, node);
  }
  if (random(0, 3) === 0) sessions[0]!.reopen(random(0, 1) === 0);
}

function depthOf(row: StepRow, node: number): number {
  let depth = 0;
  for (let at = node; at >= 0; at = row.parents[at]!) depth++;
  return depth;
}

async function compare(engine: OrtEngine, trees: readonly Tree[], tally: Tally): Promise<void> {
  await engine.step(trees.map(({ row }) => row));
  // The logits are the engine's memory: the next step overwrites them.
  const found = trees.map(({ row }) => row.logits.slice());
  for (const [i, { session, row }] of trees.entries()) {
    await session.decode(row, (node, logits) => tally.add(found[i]!, node, logits));
  }
}

/** Nodes of the control's trees, and how many of them would have to be a chain. */
const CONTROL_NODES = 48;
const CONTROL_CHAIN = 8;
/** Rounding to integers inside a quantised layer swallows most last bits: a small model needs many trees. */
const CONTROL_MS = 30_000;

/**
 * The control: a tree that branches before a panel's end and continues after it.
 * The engine refuses it while it claims to be exact; here the claim is taken back
 * for a moment. Where all of its nodes are equal the check can't see what it looks
 * for. null where the engine's contexts are shorter than a panel.
 */
export async function checkControl(engine: OrtEngine, seed: number): Promise<Exactness | null> {
  const random = randomIntegers(seed);
  const nodes = Math.min(CONTROL_NODES, engine.limits.maxRows);
  const context = PANEL_ROWS - CONTROL_CHAIN;
  const begun = performance.now();
  if (engine.limits.maxContext < context + nodes) return null;
  const tally = new Tally(engine.limits.vocabSize);
  const limits = { longest: context, maxNodes: nodes };
  const session = new Conversation(engine, 'exactness, control', limits, random);
  const { exact } = engine.limits;
  engine.limits.exact = false;
  try {
    await session.grow(context);
    do {
      // Four children each: all but the first few rows lie after the edge, close to the root.
      const parents = Array.from({ length: nodes }, (_, row) => Math.ceil(row / 4) - 1);
      const row = stepRowOf(session.served, session.tokens(nodes), parents);
      await compare(engine, [{ session, row }], tally);
    } while (tally.found.equal === tally.found.nodes && performance.now() - begun < CONTROL_MS);
  } finally {
    engine.limits.exact = exact;
    session.release();
  }
  return tally.found;
}

class Tally {
  readonly found: Exactness = { nodes: 0, equal: 0, largestDifference: 0 };
  private readonly vocabSize: number;

  constructor(vocabSize: number) {
    this.vocabSize = vocabSize;
  }

  /** Compares row `node` of `tree` with what was decoded. Throws where that is no number: then nothing is exact. */
  add(tree: Float32Array, node: number, decoded: Float32Array): void {
    const { found, vocabSize } = this;
    if (!decoded.every(Number.isFinite)) {
      throw new Error(
        'the model’s logits are no finite numbers: its weights overflow the type that it is computed in',
      );
    }
    const row = tree.subarray(node * vocabSize, (node + 1) * vocabSize);
    found.nodes++;
    if (sameBits(row, decoded)) found.equal++;
    else found.largestDifference = Math.max(found.largestDifference, difference(row, decoded));
  }
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) =>
    Buffer.from(buffer, byteOffset, byteLength);
  return bytes(a).equals(bytes(b));
}

/** Infinity where one is NaN. */
function difference(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const apart = Math.abs(a[i]! - b[i]!);
    largest = apart >= 0 ? Math.max(largest, apart) : Number.POSITIVE_INFINITY;
  }
  return largest;
}
