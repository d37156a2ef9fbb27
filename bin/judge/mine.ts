/**
 * Mines what the judge learns from: an answer that is right is written again with another
 * token in one place, and continued greedily. Where the answer is right all the same the
 * token was good enough. The other token is the target's second choice, as the paper's
 * labels are near misses, or an n-gram draft, which is what the judge will meet.
 */
import type { Engine, Slot, StepRow } from '../../gpu-backend/engine/engine.ts';
import { type Fact, isRight } from './facts.ts';
import type { Label } from './fit.ts';

export interface MinePlan {
  questions: readonly { fact: Fact; prompt: Int32Array }[];
  /** Tokens of an answer at most. */
  tokens: number;
  stopIds: ReadonlySet<number>;
  decode(tokens: readonly number[]): string;
  onProgress?: (done: number, total: number) => void;
}

/** Places of an answer that are tried, from its beginning. */
const PLACES = 12;
const SECOND = 1;

/** Labels by question; none where the target's own answer is wrong. `engine` gives hidden states. */
export async function mineLabels(engine: Engine, plan: MinePlan): Promise<Label[][]> {
  const mined: Label[][] = [];
  for (const [i, { fact, prompt }] of plan.questions.entries()) {
    const own = await write(engine, [...prompt], plan);
    const labels: Label[] = [];
    if (isRight(plan.decode(own.tokens), fact)) {
      for (let place = 0; place < Math.min(PLACES, own.tokens.length); place++) {
        const before = own.tokens.slice(0, place);
        const others = new Set([own.seconds[place]!, draftAfter([...prompt, ...before])]);
        for (const other of others) {
          if (other === undefined || other === own.tokens[place] || plan.stopIds.has(other))
            continue;
          const rest = await write(engine, [...prompt, ...before, other], plan, place + 1);
          const text = plan.decode([...before, other, ...rest.tokens]);
          labels.push({ hidden: rest.hidden, good: isRight(text, fact) });
        }
      }
    }
    mined.push(labels);
    plan.onProgress?.(i + 1, plan.questions.length);
  }
  return mined;
}

/** What followed the text's last token where it stood last before. */
function draftAfter(text: readonly number[]): number | undefined {
  const at = text.lastIndexOf(text.at(-1)!, -2);
  return at < 0 ? undefined : text[at + 1];
}

interface Written {
  tokens: number[];
  /** The second choice in each token's place. */
  seconds: number[];
  /** At the last token of what was continued. */
  hidden: Float32Array;
}

/** Continues greedily, up to the plan's tokens less those `said`. */
async function write(
  engine: Engine,
  text: readonly number[],
  { tokens: most, stopIds }: MinePlan,
  said = 0,
): Promise<Written> {
  const slot = engine.acquire(Int32Array.from(text), text.length + most + 1, 'judge');
  if (!slot) throw new Error('the engine has no free slot');
  const written: Written = { tokens: [], seconds: [], hidden: new Float32Array(0) };
  let next: readonly number[] = text.slice(slot.cached);
  while (written.tokens.length < most - said) {
    const row = await feed(engine, slot, next);
    if (written.tokens.length === 0) written.hidden = row.hidden!.slice(-hiddenSize(row));
    const [best, second] = [row.topIds![0]!, row.topIds![SECOND]!];
    if (stopIds.has(best)) break;
    written.tokens.push(best);
    written.seconds.push(second);
    next = [best];
  }
  engine.release(slot);
  return written;
}

/** Of which the logits of the last row alone were asked for. */
const hiddenSize = ({ hidden, count, logitsFrom }: StepRow) =>
  hidden!.length / (count - logitsFrom);

async function feed(engine: Engine, slot: Slot, text: readonly number[]): Promise<StepRow> {
  const { prefillRows } = engine.limits;
  for (let from = 0; ; from += prefillRows) {
    const tokens = Int32Array.from(text.slice(from, from + prefillRows));
    const rows = [...tokens.keys()];
    const row: StepRow = {
      slot,
      count: tokens.length,
      tokens,
      parents: Int16Array.from(rows, (at) => at - 1),
      logitsFrom: tokens.length - 1,
      logits: new Float32Array(0),
      top: 1 + SECOND,
    };
    await engine.step([row]);
    engine.commit(slot, rows, rows.length);
    if (from + prefillRows >= text.length) return row;
  }
}
