/** The inputs of one run: the rows of its lanes, packed into tensors under the graph's names for them. */
import type { AttentionForm } from '../builder/attention-kernel.ts';
import { narrow } from '../builder/float16.ts';
import type { Tensor } from '../ort/tensor.ts';
import { MAX_ROWS } from './engine.ts';
import type { ArenaTensor, InputArena } from './input-arena.ts';
import type { Lane, LaneSlot } from './lane.ts';
import { fillDepths, fillTreeMask } from './tree-rows.ts';

export interface InputForm {
  attention: AttentionForm;
  /** Whether lanes have several slots. */
  batchedLanes: boolean;
  compute: 'float32' | 'float16';
  /** Floats of the hidden state that each row reads; 0 for none. */
  features: number;
  /** The bits of a masked position. */
  masked: number;
}

interface LaneInputs {
  /** null where attention itself writes behind what counts. */
  write: ArenaTensor | null;
  /** null where the mask alone says what counts. */
  length: ArenaTensor | null;
  mask: ArenaTensor;
}

export class RunInputs {
  /** To be bound when they are filled: for a device, ORT copies what it binds at once. */
  readonly named: [name: string, tensor: Tensor][] = [];
  private readonly form: InputForm;
  private readonly depths = new Int32Array(MAX_ROWS);
  private arena: InputArena;

  constructor(form: InputForm, arena: InputArena) {
    this.form = form;
    this.arena = arena;
  }

  /** @param logitRows rows that give logits: the wanted ones, then the run's first again */
  fill(arena: InputArena, lanes: readonly Lane[], logitRows: number): void {
    this.arena = arena;
    this.named.length = 0;
    const tokens = paddedRows(lanes);
    const slots = sum(lanes, (lane) => lane.slots.length);
    const masks = sum(lanes, (lane) => lane.slots.length * lane.rows * lane.width);
    const { features } = this.form;
    const integers = 2 * tokens + logitRows + 4 * lanes.length + 2 * slots;
    arena.begin(integers, masks + tokens * features, lanes.length + (features ? 1 : 0));

    const ids = this.add('input_ids', arena.int64([1, tokens]));
    const positions = this.add('position_ids', arena.int64([1, tokens]));
    const wanted = this.add('logit_rows', arena.int64([logitRows]));
    const states = features ? this.add('features', arena.float([1, tokens, features])) : null;
    if (lanes.length > 1) {
      const counts = this.add('lane_rows', arena.hostInt64([lanes.length]));
      lanes.forEach((lane, i) => {
        arena.set(counts.offset + i, lane.slots.length * lane.rows);
      });
    }
    let token = 0;
    let logit = wanted.offset;
    lanes.forEach((lane, i) => {
      const inputs = this.addLane(lane, i);
      lane.slots.forEach((part, place) => {
        this.fillRows(part, lane, ids.offset + token, positions.offset + token);
        this.fillPlace(part, lane, place, inputs);
        if (states) this.fillStates(part, lane, states.offset + token * features);
        const { row } = part;
        if (row)
          for (let r = row.logitsFrom; r < row.count; r++) {
            arena.set(logit++, token + r - (row.kept ?? 0));
          }
        token += lane.rows;
      });
    });
    while (logit < wanted.offset + logitRows) arena.set(logit++, 0);
  }

  private add(name: string, span: ArenaTensor): ArenaTensor {
    this.named.push([name, span.tensor]);
    return span;
  }

  private addLane(lane: Lane, index: number): LaneInputs {
    const { arena } = this;
    const { attention, batchedLanes } = this.form;
    const batch = lane.slots.length;
    const grouped = attention === 'grouped';
    const write = grouped ? null : this.add(`write.${index}`, arena.int64([batch]));
    const length =
      attention === 'fused' && batchedLanes
        ? this.add(`length.${index}`, arena.int64([batch]))
        : null;
    if (grouped) {
      for (const [name, value] of [
        ['last', lane.width - 1],
        ['total', lane.width],
      ] as const) {
        arena.set(this.add(`${name}.${index}`, arena.int32()).offset, value);
      }
    }
    if (batchedLanes) {
      const shape = this.add(`shape.${index}`, arena.hostInt64([3]));
      arena.set(shape.offset, batch);
      arena.set(shape.offset + 1, lane.rows);
      arena.set(shape.offset + 2, -1);
    }
    const mask = this.add(`mask.${index}`, arena.float([batch, 1, lane.rows, lane.width]));
    return { write, length, mask };
  }

  private fillRows({ slot, row }: LaneSlot, lane: Lane, ids: number, positions: number): void {
    const { arena } = this;
    const count = row?.count ?? 0;
    const kept = row?.kept ?? 0;
    if (row) fillDepths(this.depths, row.parents, count);
    for (let r = 0; r < lane.rows; r++) {
      const at = kept + r;
      arena.set(ids + r, at < count ? row!.tokens[at]! : 0);
      arena.set(positions + r, at < count ? slot.length + this.depths[at]! : 0);
    }
  }

  private fillStates({ row }: LaneSlot, lane: Lane, start: number): void {
    const { features, compute } = this.form;
    const { floats } = this.arena;
    floats.fill(0, start, start + lane.rows * features);
    const count = row?.count ?? 0;
    for (let r = row?.kept ?? 0, at = start; r < count; r++, at += features) {
      const state = row?.features?.[r];
      if (state) floats.set(compute === 'float16' ? narrow(state) : state, at);
    }
  }

  /** Padding rows are written after what counts, and see nothing that is read. */
  private fillPlace({ slot, row }: LaneSlot, lane: Lane, place: number, inputs: LaneInputs): void {
    const { arena } = this;
    const { masked } = this.form;
    const { rows, width } = lane;
    const count = row?.count ?? 0;
    const kept = row?.kept ?? 0;
    const masks = arena.floats;
    const { length } = slot;
    if (inputs.write) arena.set(inputs.write.offset + place, length + kept);
    if (inputs.length) arena.set(inputs.length.offset + place, length + kept + rows);
    const start = inputs.mask.offset + place * rows * width;
    if (row) fillTreeMask(masks, start, row.parents, count, length, width, masked, kept);
    masks.fill(masked, start + (count - kept) * width, start + rows * width);
  }
}

/** Rows of all slots of the lanes, padding included. */
export function paddedRows(lanes: readonly Lane[]): number {
  return sum(lanes, (lane) => lane.slots.length * lane.rows);
}

export function sum<T>(items: readonly T[], value: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += value(item);
  return total;
}
