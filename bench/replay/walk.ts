/**
 * Replays recorded answers against a drafter: at each step the tree is walked
 * along what the model wrote, one more token is the model's own, and what that
 * makes is committed. Greedy answers accept exactly so, whatever the hardware.
 */
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import type { Contender } from '../rivals/contender.ts';
import { quantile } from '../statistics.ts';
import type { Conversation } from './traces.ts';

/** Buckets of the calibration report, equally wide in probability. */
const CALIBRATION_BUCKETS = 10;

export interface Replay {
  /** Tokens committed per step. */
  mat: number;
  nodesPerStep: number;
  p50us: number;
  p99us: number;
  /** Time per committed token to learn it. */
  commitUs: number;
  byCategory: Record<string, number>;
  /** By path probability: candidates, of them expected to be accepted, and accepted. */
  calibration: { nodes: number; expected: number; accepted: number }[];
  bytesPerToken: Record<string, number> | null;
}

export async function replay(
  contender: Contender,
  conversations: readonly Conversation[],
  budget: number,
): Promise<Replay> {
  const tree = new TokenTree();
  const times: number[] = [];
  const totals = new Map<string, { tokens: number; steps: number }>();
  const calibration = Array.from({ length: CALIBRATION_BUCKETS }, () => ({
    nodes: 0,
    expected: 0,
    accepted: 0,
  }));
  let nodes = 0;
  let commitMs = 0;
  for (const { category, turns } of conversations) {
    const total = totals.get(category) ?? { tokens: 0, steps: 0 };
    totals.set(category, total);
    for (const { prompt, regions, response, top } of turns) {
      contender.begin(prompt, regions);
      await contender.settle?.();
      for (let at = 0; at < response.length; ) {
        tree.clear();
        const started = performance.now();
        contender.draft(tree, budget);
        const drafted = performance.now();
        times.push(1000 * (drafted - started));
        const accepted = walk(tree, response, at, calibration);
        const count = Math.min(accepted + 1, response.length - at);
        const learning = performance.now();
        contender.commit(response.subarray(at, at + count));
        commitMs += performance.now() - learning;
        // After the commit, or a drafter that learns from commits would see the answer in the table.
        if (top && contender.observe) {
          for (let i = at; i < at + count; i++) {
            contender.observe(i === 0 ? prompt.at(-1)! : response[i - 1]!, top[i]!);
          }
        }
        await contender.settle?.();
        at += count;
        total.tokens += count;
        total.steps++;
        nodes += tree.size;
      }
      contender.end?.(response);
    }
  }
  const all = [...totals.values()];
  const steps = times.length;
  const tokens = all.reduce((sum, total) => sum + total.tokens, 0);
  return {
    mat: tokens / steps,
    nodesPerStep: nodes / steps,
    p50us: quantile(times, 0.5),
    p99us: quantile(times, 0.99),
    commitUs: (1000 * commitMs) / tokens,
    byCategory: Object.fromEntries([...totals].map(([name, t]) => [name, t.tokens / t.steps])),
    calibration,
    bytesPerToken: contender.bytesPerToken?.() ?? null,
  };
}

/** How many tokens of `response` from `at` on the tree carries; counts what it promised on the way. */
function walk(
  tree: TokenTree,
  response: Int32Array,
  at: number,
  calibration: Replay['calibration'],
): number {
  for (let node = 0; node < tree.size; node++) {
    const bucket = calibration[bucketOf(tree.probs[node]!)]!;
    bucket.nodes++;
    bucket.expected += tree.probs[node]!;
  }
  let accepted = 0;
  for (let node = ROOT; at + accepted < response.length; accepted++) {
    node = tree.child(node, response[at + accepted]!);
    if (node < 0) break;
    calibration[bucketOf(tree.probs[node]!)]!.accepted++;
  }
  return accepted;
}

function bucketOf(p: number): number {
  return Math.min(CALIBRATION_BUCKETS - 1, Math.floor(p * CALIBRATION_BUCKETS));
}
