/** One loaded decoder graph: packs the rows of its lanes into tensors and runs them. */
import { cacheNames, MASKED } from '../builder/attention.ts';
import type { AttentionForm } from '../builder/attention-kernel.ts';
import { float32ToFloat16 } from '../builder/float16.ts';
import type { Binding, InferenceSession } from '../ort/inference-session.ts';
import type { Tensor } from '../ort/tensor.ts';
import { MAX_ROWS } from './engine.ts';
import type { ArenaTensor, InputArena } from './input-arena.ts';
import { type Lane, type LaneSlot, WIDTH_STEP } from './lane.ts';
import type { KvSlot } from './slots.ts';
import type { StepOutputs } from './step-outputs.ts';
import { fillDepths, fillTreeMask } from './tree-rows.ts';

export interface RunnerContext {
  layers: number;
  compute: 'float32' | 'float16';
  attention: AttentionForm;
  /** Whether lanes have several slots. */
  batchedLanes: boolean;
  arena: InputArena;
  logits: StepOutputs;
  hidden: StepOutputs | null;
  /** One small slot for lanes of the graph that a run has no use for. */
  scratch: KvSlot;
}

interface LaneInputs {
  /** null where attention itself writes behind what counts. */
  write: ArenaTensor | null;
  /** null where the mask alone says what counts. */
  length: ArenaTensor | null;
  mask: ArenaTensor;
}

export class LaneRunner {
  /** Lanes of the graph; a run may use fewer. */
  readonly lanes: number;
  private readonly session: InferenceSession;
  private readonly binding: Binding;
  private readonly context: RunnerContext;
  /** What is bound as each lane's caches now. */
  private readonly boundCaches: (readonly Tensor[] | null)[];
  private readonly depths = new Int32Array(MAX_ROWS);
  private readonly masked: number;
  /** Inputs of the run that is being made ready. They are bound when they are filled: for a device, ORT copies what it binds at once. */
  private readonly inputs: [name: string, tensor: Tensor][] = [];

  constructor(session: InferenceSession, lanes: number, context: RunnerContext) {
    this.session = session;
    this.lanes = lanes;
    this.context = context;
    this.binding = session.bind();
    this.boundCaches = Array<null>(lanes).fill(null);
    const half = context.compute === 'float16';
    this.masked = half ? float32ToFloat16(MASKED.float16) : MASKED.float32;
  }

  /**
   * Runs the rows of all slots. Their wanted logits become rows `firstLogit` and
   * on of the step's outputs, in the order of lanes and slots. Resolves with the
   * milliseconds that ONNX Runtime took.
   */
  async run(used: readonly Lane[], firstLogit: number): Promise<number> {
    const { arena, attention } = this.context;
    const padded = this.padded(used);
    const lanes = attention === 'grouped' ? padded.map(cut) : padded;
    this.inputs.length = 0;
    const tokens = sum(lanes, (lane) => lane.slots.length * lane.rows);
    const wanted = sum(lanes, (lane) => sum(lane.slots, wantedRows));
    const slots = sum(lanes, (lane) => lane.slots.length);
    const masks = sum(lanes, (lane) => lane.slots.length * lane.rows * lane.width);
    arena.begin(2 * tokens + wanted + 4 * lanes.length + 2 * slots, masks, lanes.length);

    const ids = this.integers('input_ids', [1, tokens]);
    const positions = this.integers('position_ids', [1, tokens]);
    const logitRows = this.integers('logit_rows', [wanted]);
    if (this.lanes > 1) {
      const counts = this.integers('lane_rows', [lanes.length]);
      lanes.forEach((lane, i) => {
        arena.set(counts.offset + i, lane.slots.length * lane.rows);
      });
    }
    let token = 0;
    let logit = logitRows.offset;
    lanes.forEach((lane, i) => {
      const inputs = this.bindLane(lane, i);
      lane.slots.forEach((part, place) => {
        this.fillRows(part, lane, ids.offset + token, positions.offset + token);
        this.fillPlace(part, lane, place, inputs);
        const { row } = part;
        if (row)
          for (let r = row.logitsFrom; r < row.count; r++) {
            arena.set(logit++, token + r - (row.kept ?? 0));
          }
        token += lane.rows;
      });
    });
    return await this.execute(lanes, firstLogit, wanted);
  }

  release(): void {
    this.binding.release();
    this.session.release();
  }

  private async execute(lanes: Lane[], firstLogit: number, wanted: number): Promise<number> {
    const { logits, hidden } = this.context;
    for (const [name, tensor] of this.inputs) this.binding.input(name, tensor);
    const tensors = [logits.tensor(firstLogit, wanted)];
    this.binding.output('logits', tensors[0]!);
    if (hidden) {
      const tensor = hidden.tensor(firstLogit, wanted);
      this.binding.output('hidden', tensor);
      tensors.push(tensor);
    }
    const started = performance.now();
    try {
      await this.session.run(this.binding);
    } finally {
      for (const tensor of tensors) tensor.release();
    }
    const took = performance.now() - started;
    let first = firstLogit;
    for (const lane of lanes) {
      for (const part of lane.slots) {
        if (!part.row) continue;
        const count = wantedRows(part);
        part.row.logits = logits.view(first, count);
        if (hidden) part.row.hidden = hidden.view(first, count);
        first += count;
      }
    }
    return took;
  }

  /** Lanes that a run leaves over get one row over the scratch slot. */
  private padded(used: readonly Lane[]): Lane[] {
    const { scratch } = this.context;
    const lanes = [...used];
    while (lanes.length < this.lanes) {
      const idle = { slot: scratch, row: null };
      lanes.push({ pool: scratch.pool, first: 0, slots: [idle], rows: 1, width: WIDTH_STEP });
    }
    return lanes;
  }

  private integers(name: string, shape: readonly number[]): ArenaTensor {
    return this.input(name, this.context.arena.int64(shape));
  }

  private input(name: string, span: ArenaTensor): ArenaTensor {
    this.inputs.push([name, span.tensor]);
    return span;
  }

  private bindLane(lane: Lane, index: number): LaneInputs {
    const { arena, attention, batchedLanes, layers } = this.context;
    const batch = lane.slots.length;
    const grouped = attention === 'grouped';
    const write = grouped ? null : this.integers(`write.${index}`, [batch]);
    const length = attention === 'fused' ? this.integers(`length.${index}`, [batch]) : null;
    if (grouped) {
      for (const [name, value] of [
        ['last', lane.width - 1],
        ['total', lane.width],
      ] as const) {
        arena.set(this.input(`${name}.${index}`, arena.int32()).offset, value);
      }
    }
    if (batchedLanes) {
      const shape = this.integers(`shape.${index}`, [3]);
      arena.set(shape.offset, batch);
      arena.set(shape.offset + 1, lane.rows);
      arena.set(shape.offset + 2, -1);
    }
    const mask = this.input(`mask.${index}`, arena.mask([batch, 1, lane.rows, lane.width]));
    const caches = lane.pool.view(lane.first, batch, lane.width);
    if (caches !== this.boundCaches[index]) {
      for (let layer = 0; layer < layers; layer++) {
        cacheNames(layer, index).forEach(({ input, output }, which) => {
          const tensor = caches[2 * layer + which]!;
          this.binding.input(input, tensor);
          this.binding.output(output, tensor);
        });
      }
      this.boundCaches[index] = caches;
    }
    return { write, length, mask };
  }

  private fillRows({ slot, row }: LaneSlot, lane: Lane, ids: number, positions: number): void {
    const { arena } = this.context;
    const count = row?.count ?? 0;
    const kept = row?.kept ?? 0;
    if (row) fillDepths(this.depths, row.parents, count);
    for (let r = 0; r < lane.rows; r++) {
      const at = kept + r;
      arena.set(ids + r, at < count ? row!.tokens[at]! : 0);
      arena.set(positions + r, at < count ? slot.length + this.depths[at]! : 0);
    }
  }

  /** Padding rows are written after what counts, and see nothing that is read. */
  private fillPlace({ slot, row }: LaneSlot, lane: Lane, place: number, inputs: LaneInputs): void {
    const { arena } = this.context;
    const { rows, width } = lane;
    const count = row?.count ?? 0;
    const kept = row?.kept ?? 0;
    const { masks } = arena;
    const { length } = slot;
    if (inputs.write) arena.set(inputs.write.offset + place, length + kept);
    if (inputs.length) arena.set(inputs.length.offset + place, length + kept + rows);
    const start = inputs.mask.offset + place * rows * width;
    if (row) fillTreeMask(masks, start, row.parents, count, length, width, this.masked, kept);
    masks.fill(this.masked, start + (count - kept) * width, start + rows * width);
  }
}

/** GroupQueryAttention writes a run's rows to the end of what it reads: that is all that counts, and no more. */
function cut(lane: Lane): Lane {
  const { slot, row } = lane.slots[0]!;
  return { ...lane, width: slot.length + (row?.kept ?? 0) + lane.rows };
}

function wantedRows({ row }: LaneSlot): number {
  return row ? row.count - row.logitsFrom : 0;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += value(item);
  return total;
}
