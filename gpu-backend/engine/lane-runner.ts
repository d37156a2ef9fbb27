/** One loaded decoder graph: runs the rows of its lanes, where it may by replaying a captured CUDA graph. */
import { MASKED } from '../builder/attention.ts';
import type { AttentionForm } from '../builder/attention-kernel.ts';
import { cacheNames } from '../builder/cache-names.ts';
import { float32ToFloat16 } from '../builder/float16.ts';
import type { Binding, GraphRun, InferenceSession } from '../ort/inference-session.ts';
import type { Tensor } from '../ort/tensor.ts';
import { areDecoding } from './fixed-shape.ts';
import { GraphIds, shapeOf } from './graph-ids.ts';
import type { InputArena } from './input-arena.ts';
import { type Lane, type LaneSlot, WIDTH_STEP } from './lane.ts';
import { MOST_REPLAYED_ROWS, type Replays } from './replays.ts';
import { paddedRows, RunInputs, sum } from './run-inputs.ts';
import type { KvSlot } from './slots.ts';
import type { StepOutputs } from './step-outputs.ts';
import { takeTop } from './summarize.ts';

export interface RunnerContext {
  layers: number;
  compute: 'float32' | 'float16';
  attention: AttentionForm;
  /** Whether lanes have several slots. */
  batchedLanes: boolean;
  /** Floats of the hidden state that each row reads; 0 for none. */
  features: number;
  arena: InputArena;
  logits: StepOutputs;
  hidden: StepOutputs | null;
  /** The most likely tokens, where the graph itself finds them. */
  top: StepOutputs | null;
  /** The largest logit of each block, where the graph finds them. */
  peaks: StepOutputs | null;
  /** Lanes of steps come in few shapes, and all their rows give logits, padding too. */
  fixedShapes: boolean;
  /** What captured runs share; null where none is captured. */
  replays: Replays | null;
  /** One small slot for lanes of the graph that a run has no use for. */
  scratch: KvSlot;
}

/** Rows of logits: where those of a run go, how many are wanted, and how many it gives. */
interface Wanted {
  first: number;
  wanted: number;
  given: number;
}

/** In the order of the replays' own. */
export function outputsOf({
  logits,
  hidden,
  top,
  peaks,
}: Pick<RunnerContext, 'logits' | 'hidden' | 'top' | 'peaks'>): StepOutputs[] {
  return [logits, hidden, top, peaks].filter((output) => output !== null);
}

export class LaneRunner {
  /** Lanes of the graph; a run may use fewer. */
  readonly lanes: number;
  private readonly session: InferenceSession;
  private readonly binding: Binding;
  private readonly context: RunnerContext;
  private readonly inputs: RunInputs;
  private readonly outputs: readonly StepOutputs[];
  private readonly graphs = new GraphIds();
  /** What is bound as each lane's caches now. */
  private readonly boundCaches: (readonly Tensor[] | null)[];

  constructor(session: InferenceSession, lanes: number, context: RunnerContext) {
    this.session = session;
    this.lanes = lanes;
    this.context = context;
    this.binding = session.bind();
    this.boundCaches = Array<null>(lanes).fill(null);
    const half = context.compute === 'float16';
    const masked = half ? float32ToFloat16(MASKED.float16) : MASKED.float32;
    this.inputs = new RunInputs({ ...context, masked }, context.arena);
    this.outputs = outputsOf(context);
  }

  /**
   * Runs the rows of all slots. Their wanted logits become rows `firstLogit` and
   * on of the step's outputs, in the order of lanes and slots. Resolves with the
   * milliseconds that ONNX Runtime took.
   */
  async run(used: readonly Lane[], firstLogit: number): Promise<number> {
    const { attention, fixedShapes, arena } = this.context;
    const padded = this.padded(used);
    const lanes = attention === 'grouped' ? padded.map(cut) : padded;
    const wanted = sum(lanes, (lane) => sum(lane.slots, wantedRows));
    const fixed = fixedShapes && areDecoding(lanes);
    const rows = { first: firstLogit, wanted, given: fixed ? paddedRows(lanes) : wanted };
    const replays = fixed ? this.replaysOf(lanes) : null;
    this.inputs.fill(replays?.inputs ?? arena, lanes, rows.given);
    const started = performance.now();
    const replayed = replays !== null && (await this.replay(replays, lanes, rows));
    if (!replayed) {
      // After a capture that failed the inputs lie where only graphs read them.
      if (replays) this.inputs.fill(arena, lanes, rows.given);
      await this.execute(lanes, rows);
    }
    const took = performance.now() - started;
    this.handOut(lanes, firstLogit, replayed ? replays : null);
    return took;
  }

  release(): void {
    this.binding.release();
    this.session.release();
  }

  /** null for a run that is to be made as it comes. */
  private replaysOf(lanes: readonly Lane[]): Replays | null {
    const { replays } = this.context;
    if (!replays || paddedRows(lanes) > MOST_REPLAYED_ROWS) return null;
    const shape = shapeOf(lanes);
    const known = this.graphs.captured(shape) !== undefined || this.graphs.comesAgain(shape);
    return known ? replays : null;
  }

  private async execute(lanes: readonly Lane[], { first, given }: Wanted): Promise<void> {
    const tensors = this.outputs.map((output) => output.tensor(first, given));
    this.bind(lanes, tensors);
    await this.runAndRelease(tensors, {});
  }

  /** False where the run could not be captured: it is still to be executed. A captured run binds nothing. */
  private async replay(
    replays: Replays,
    lanes: readonly Lane[],
    { first, wanted, given }: Wanted,
  ): Promise<boolean> {
    const copies = { before: [replays.inputs.upload], after: replays.downloads(first, wanted) };
    const shape = shapeOf(lanes);
    const graph = this.graphs.captured(shape);
    if (graph !== undefined) {
      await this.session.run(this.binding, { ...copies, graph });
      return true;
    }
    const tensors = replays.tensors(given);
    this.bind(lanes, tensors);
    try {
      await this.runAndRelease(tensors, { ...copies, graph: this.graphs.next });
    } catch (error) {
      this.graphs.refuse(shape);
      process.emitWarning(`a step was not captured: ${(error as Error).message}`);
      return false;
    }
    this.graphs.add(shape);
    return true;
  }

  private async runAndRelease(outputs: readonly Tensor[], graphRun: GraphRun): Promise<void> {
    try {
      await this.session.run(this.binding, graphRun);
    } finally {
      for (const tensor of outputs) tensor.release();
    }
  }

  private bind(lanes: readonly Lane[], outputs: readonly Tensor[]): void {
    for (const [name, tensor] of this.inputs.named) this.binding.input(name, tensor);
    lanes.forEach((lane, i) => {
      this.bindCaches(lane, i);
    });
    this.outputs.forEach(({ name }, i) => {
      this.binding.output(name, outputs[i]!);
    });
  }

  private bindCaches(lane: Lane, index: number): void {
    const caches = lane.pool.view(lane.first, lane.slots.length, lane.width);
    if (caches === this.boundCaches[index]) return;
    for (let layer = 0; layer < this.context.layers; layer++) {
      cacheNames(layer, index).forEach(({ input, output }, which) => {
        const tensor = caches[2 * layer + which]!;
        this.binding.input(input, tensor);
        this.binding.output(output, tensor);
      });
    }
    this.boundCaches[index] = caches;
  }

  /** Gives each row its logits, and what else it asked for. */
  private handOut(lanes: readonly Lane[], firstLogit: number, replays: Replays | null): void {
    const { logits, hidden, top, peaks } = this.context;
    let first = firstLogit;
    for (const lane of lanes) {
      for (const part of lane.slots) {
        const { row } = part;
        if (!row) continue;
        const count = wantedRows(part);
        const captured = replays?.placeOf(logits, first - firstLogit) ?? null;
        logits.hand(row, first, count, captured);
        if (hidden) row.hidden = hidden.view(first, count);
        if (peaks) row.peaks = peaks.view(first, count);
        if (top) takeTop(row, top.words(first, count), top.width);
        first += count;
      }
    }
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
}

/** GroupQueryAttention writes a run's rows to the end of what it reads: that is all that counts, and no more. */
function cut(lane: Lane): Lane {
  const { slot, row } = lane.slots[0]!;
  return { ...lane, width: slot.length + (row?.kept ?? 0) + lane.rows };
}

function wantedRows({ row }: LaneSlot): number {
  return row ? row.count - row.logitsFrom : 0;
}
