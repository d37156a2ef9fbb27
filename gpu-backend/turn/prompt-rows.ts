/**
 * Rows of prompt tokens in a turn's step (PPD, 2405.18628): chains behind the nodes that
 * the step may end at, in the target's own run. They are no nodes of the tree: nothing
 * walks, commits or counts them. The target's rows are exact whatever other rows there
 * are, so they change no answer. Where the step ends at a node that has some, the target
 * has said there what may come in the next step.
 */
import type { GrowingStep } from '../../src/draft/tree/budget.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';
import { MOST_OVER } from '../drafters/price.ts';
import type { Prompting } from '../drafters/prompting.ts';
import type { Engine, EngineLimits, StepRow } from '../engine/engine.ts';
import { panelRoom } from '../engine/panel.ts';
import type { Draftable } from './tree-sizing.ts';

/** Nodes of a step that have prompt tokens behind them, where they cost nothing. */
const MOST_ENDS = 16;
/** Nodes that a step hardly ever ends at have none. */
const LEAST_LIKELY = 0.01;

/** What rows would add to a step of several sessions. */
export interface RowOffer {
  step: GrowingStep;
  /** Of the session in the step. */
  index: number;
}

interface End {
  /** Of the row that the step may end at. */
  row: number;
  likely: number;
}

export class PromptRows {
  private readonly prompting: Prompting;
  private readonly limits: EngineLimits;
  /** By row of the tree, the first of the prompt tokens behind it. */
  private readonly behind = new Map<number, number>();
  /** What those of the step that was prepared last are expected to take, in milliseconds. */
  ms = 0;

  constructor(prompting: Prompting, limits: EngineLimits) {
    this.prompting = prompting;
    this.limits = limits;
  }

  /** Adds rows behind likely ends of `tree`, whose rows `row` has, as long as they pay; none without an offer. */
  add(row: StepRow, tree: TokenTree, offer: RowOffer | null): void {
    const { prompting, limits, behind } = this;
    behind.clear();
    this.ms = 0;
    if (!offer) return;
    const { slot } = row;
    const { step, index } = offer;
    const inPanel = limits.exact ? panelRoom(slot.length) : Number.POSITIVE_INFINITY;
    const most = Math.min(limits.maxRows, slot.capacity - slot.length, inPanel);
    for (const { row: end, likely } of likelyEnds(tree)) {
      if (row.count + prompting.places > most) return;
      const before = step.cost;
      for (let place = 0; place < prompting.places; place++) step.add(index);
      const ms = step.cost - before;
      if (!prompting.pays(likely, ms, this.ms + ms)) return;
      this.ms += ms;
      behind.set(end, row.count);
      for (let place = 0; place < prompting.places; place++) {
        row.tokens[row.count] = limits.vocabSize + place;
        row.parents[row.count] = place === 0 ? end : row.count - 1;
        row.count++;
      }
    }
  }

  /** The step has ended at row `last`. */
  hear(row: StepRow, last: number): void {
    const first = this.behind.get(last);
    if (first === undefined) return;
    const { vocabSize } = this.limits;
    const logits = Array.from({ length: this.prompting.places }, (_, place) => {
      row.load?.(first + place);
      return row.logits.subarray((first + place) * vocabSize, (first + place + 1) * vocabSize);
    });
    this.prompting.hear(logits);
  }
}

/** The step of all sessions with their nodes, for further rows; null where none of them has prompt tokens. */
export function grownStep(
  engine: Pick<Engine, 'plan'>,
  sessions: readonly (Pick<Draftable, 'slot'> & { promptRows: PromptRows | null })[],
  nodes: ArrayLike<number>,
): GrowingStep | null {
  if (!sessions.some(({ promptRows }) => promptRows)) return null;
  const step = engine.plan(sessions.map(({ slot }) => slot));
  for (let i = 0; i < sessions.length; i++) {
    for (let node = 0; node < nodes[i]!; node++) step.add(i);
  }
  return step;
}

/** Of the `milliseconds` of a step what prompt tokens took, by session, as the cost curve has it; a hiccup was not theirs. */
export function promptMs(
  sessions: readonly { promptRows: PromptRows | null }[],
  grown: GrowingStep | null,
  milliseconds: number,
): number[] {
  if (!grown) return sessions.map(() => 0);
  const took = Math.min(milliseconds, MOST_OVER * grown.cost);
  return sessions.map(({ promptRows }) => (took * (promptRows?.ms ?? 0)) / grown.cost);
}

/** Rows that the step may end at, likeliest first: the target gets there, and to no child that the tree has. */
function likelyEnds(tree: TokenTree): End[] {
  const likely = new Float64Array(tree.size + 1);
  likely[0] = 1;
  for (let node = 0; node < tree.size; node++) {
    const parent = tree.parents[node]!;
    likely[node + 1]! += tree.probs[node]!;
    likely[parent === ROOT ? 0 : parent + 1]! -= tree.probs[node]!;
  }
  return Array.from(likely, (own, row) => ({ row, likely: own }))
    .filter((end) => end.likely >= LEAST_LIKELY)
    .sort((a, b) => b.likely - a.likely || a.row - b.row)
    .slice(0, MOST_ENDS);
}
