/** The table of logits as an engine, so that the verifier's own sessions run over a model whose law is known. */
import type { Engine, EngineLimits, Slot, StepRow } from '../../gpu-backend/engine/engine.ts';
import { firstAcrossPanel } from '../../gpu-backend/engine/panel.ts';
import { logitsAfter, VOCAB } from '../lossless/table-model.ts';

interface TableSlot extends Slot {
  length: number;
  /** Committed tokens of the answer, the prompt's last one before them. */
  text: number[];
}

/** As a device does: what is read of a row before it is loaded is wrong. */
function keepBack(row: StepRow): void {
  const kept = row.logits.slice();
  const { logits } = row;
  logits.fill(Number.NaN);
  row.load = (at) => logits.set(kept.subarray(at * VOCAB, (at + 1) * VOCAB), at * VOCAB);
}

/** A step at no cost for any number of rows; the prompt is in its cache already, and its text is not looked at. */
export class TableEngine implements Engine {
  readonly limits: EngineLimits = {
    vocabSize: VOCAB,
    maxContext: 4096,
    maxRows: 128,
    quickTop: false,
    prefillRows: 128,
    slots: 1,
    exact: true,
  };
  readonly exactness = null;
  private lastRows: readonly StepRow[] = [];

  acquire(prompt: Int32Array, maxTokens: number): TableSlot {
    const length = prompt.length - 1;
    return { length, cached: length, capacity: maxTokens + this.limits.maxRows, text: [] };
  }

  catchUp(): void {}

  release(): void {}

  async step(rows: readonly StepRow[]): Promise<void> {
    for (const row of rows) {
      if (firstAcrossPanel(row.parents, row.count, row.slot.length) >= 0) {
        throw new RangeError('a row lies across the panel');
      }
      row.logits = new Float32Array(row.count * VOCAB);
      for (let i = 0; i < row.count; i++) {
        const path: number[] = [];
        for (let at = i; at >= 0; at = row.parents[at]!) path.unshift(row.tokens[at]!);
        // The first fed token ever is the prompt's: the table is of the answer alone.
        const said = [...(row.slot as TableSlot).text, ...path].slice(1);
        row.logits.set(logitsAfter(said), i * VOCAB);
      }
      if (row.selective) keepBack(row);
    }
    this.lastRows = rows;
  }

  commit(slot: Slot, path: ArrayLike<number>, count: number): void {
    const row = this.lastRows.find((one) => one.slot === slot)!;
    const own = slot as TableSlot;
    for (let i = 0; i < count; i++) own.text.push(row.tokens[path[i]!]!);
    own.length += count;
  }

  plan() {
    return { cost: 1, add: () => {} };
  }

  stepCost(): number {
    return 1;
  }

  async probe(): Promise<boolean> {
    return false;
  }

  close(): void {}
}
