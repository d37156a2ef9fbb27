/** The engine on ONNX Runtime. */
import { type StepCost, tabulatedCost } from '../../src/draft/budget.ts';
import { MAX_TREE_NODES } from '../../src/draft/tree.ts';
import type { DecoderConfig } from '../builder/config.ts';
import { cacheNames } from '../builder/decoder.ts';
import type { ComputeType } from '../builder/weights.ts';
import type { Binding, Session } from '../ort/session.ts';
import { Block, cpuDevice, type Tensor } from '../ort/tensor.ts';
import type { Engine, EngineLimits, Slot, StepRow } from './engine.ts';
import { KvPool } from './kv-pool.ts';
import { fillTreeMask, fillTreePositions } from './tree-mask.ts';

/** Attention lengths are rounded up to this, so that few different shapes occur. */
const LENGTH_STEP = 64;
const DEFAULT_SLOTS = 8;
/** Points of the cost curve, and how often each is timed. */
const MEASURED_ROWS = [1, 4, 8, 16, 32, 65];
const MEASURED_RUNS = 4;
/** The last committed token and a full tree. */
const MAX_ROWS = 1 + MAX_TREE_NODES;

interface EngineSettings {
  maxContext: number;
  slots?: number;
}

class KvSlot implements Slot {
  readonly index: number;
  readonly capacity: number;
  readonly tokens: Int32Array;
  length = 0;
  cached = 0;
  inUse = false;
  namespace = '';
  lastUsed = 0;
  /** Rows of the last step, waiting for `commit`. */
  readonly pending = new Int32Array(MAX_ROWS);

  constructor(index: number, capacity: number) {
    this.index = index;
    this.capacity = capacity;
    this.tokens = new Int32Array(capacity);
  }
}

export class OrtEngine implements Engine {
  readonly limits: EngineLimits;
  private readonly session: Session;
  private readonly config: DecoderConfig;
  private readonly pool: KvPool;
  private readonly slots: KvSlot[];
  private readonly binding: Binding;
  private readonly ids: Block;
  private readonly positions: Block;
  private readonly scalars: Block;
  private readonly mask: Block;
  private logits: Block;
  private clock = 0;
  /** Milliseconds of a step by rows. */
  private curve: StepCost = () => 1;

  /** Tokens a slot has to hold for contexts of `maxContext`. */
  static capacity(maxContext: number): number {
    return Math.ceil(maxContext / LENGTH_STEP) * LENGTH_STEP;
  }

  constructor(
    session: Session,
    config: DecoderConfig,
    compute: ComputeType,
    settings: EngineSettings,
  ) {
    const { maxContext } = settings;
    const capacity = OrtEngine.capacity(maxContext);
    const count = settings.slots ?? DEFAULT_SLOTS;
    this.session = session;
    this.config = config;
    this.limits = {
      vocabSize: config.vocabSize,
      maxContext,
      maxRows: Math.min(MAX_ROWS, capacity),
      slots: count,
    };
    const shape = {
      layers: config.layers,
      width: config.kvHeads * config.headDim,
      type: compute,
    };
    this.pool = new KvPool(session.device, shape, count, capacity);
    this.slots = Array.from({ length: count }, (_, index) => new KvSlot(index, capacity));
    this.binding = session.bind();
    const host = cpuDevice();
    this.ids = new Block(host, MAX_ROWS * 8);
    this.positions = new Block(host, MAX_ROWS * 8);
    this.scalars = new Block(host, (MAX_ROWS + 2) * 8);
    this.mask = new Block(host, MAX_ROWS * capacity * 4);
    this.logits = new Block(host, config.vocabSize * 4);
  }

  acquire(prompt: Int32Array, maxTokens: number, namespace = ''): Slot | null {
    if (maxTokens > this.limits.maxContext) return null;
    let best: KvSlot | null = null;
    let bestPrefix = -1;
    for (const slot of this.slots) {
      if (slot.inUse) continue;
      const prefix =
        slot.namespace === namespace ? commonPrefix(slot.tokens, slot.length, prompt) : 0;
      if (prefix > bestPrefix || (prefix === bestPrefix && slot.lastUsed < best!.lastUsed)) {
        best = slot;
        bestPrefix = prefix;
      }
    }
    if (!best) return null;
    best.inUse = true;
    best.namespace = namespace;
    best.cached = Math.min(bestPrefix, prompt.length - 1);
    best.length = best.cached;
    return best;
  }

  release(slot: Slot): void {
    const own = slot as KvSlot;
    own.inUse = false;
    own.lastUsed = ++this.clock;
  }

  async step(rows: readonly StepRow[]): Promise<void> {
    const wanted = rows.reduce((sum, row) => sum + row.count - row.logitsFrom, 0);
    const bytes = Math.max(1, wanted) * this.config.vocabSize * 4;
    if (bytes > this.logits.bytes) {
      this.logits.release();
      this.logits = new Block(cpuDevice(), 2 * bytes);
    }
    let logitRow = 0;
    for (const row of rows) {
      await this.run(row, logitRow);
      logitRow += row.count - row.logitsFrom;
    }
  }

  private async run(row: StepRow, logitRow: number): Promise<void> {
    const slot = row.slot as KvSlot;
    const { count } = row;
    const { vocabSize, layers } = this.config;
    const length = slot.length;
    if (count < 1 || length + count > slot.capacity) {
      throw new RangeError(
        `${count} rows after ${length} tokens exceed the slot's ${slot.capacity}`,
      );
    }
    const width = Math.ceil((length + count) / LENGTH_STEP) * LENGTH_STEP;
    const wanted = count - row.logitsFrom;
    slot.pending.set(row.tokens.subarray(0, count));

    const positions = new Int32Array(count);
    fillTreePositions(positions, row.parents, count, length);
    const ids64 = new BigInt64Array(this.ids.buffer());
    const positions64 = new BigInt64Array(this.positions.buffer());
    const scalars = new BigInt64Array(this.scalars.buffer());
    for (let i = 0; i < count; i++) {
      ids64[i] = BigInt(row.tokens[i]!);
      positions64[i] = BigInt(positions[i]!);
    }
    scalars[0] = BigInt(length);
    scalars[1] = BigInt(length + count);
    for (let i = 0; i < wanted; i++) scalars[2 + i] = BigInt(row.logitsFrom + i);
    fillTreeMask(new Float32Array(this.mask.buffer()), row.parents, count, length, width);

    const tensors: Tensor[] = [];
    const input = (name: string, tensor: Tensor) => {
      tensors.push(tensor);
      this.binding.input(name, tensor);
    };
    const output = (name: string, tensor: Tensor) => {
      tensors.push(tensor);
      this.binding.output(name, tensor);
    };
    const logitsOffset = logitRow * vocabSize * 4;
    try {
      input('input_ids', this.ids.tensor('int64', [1, count]));
      input('position_ids', this.positions.tensor('int64', [1, count]));
      input('logit_rows', this.scalars.tensor('int64', [wanted], 16));
      input('write.0', this.scalars.tensor('int64', [1]));
      input('length.0', this.scalars.tensor('int64', [1], 8));
      input('mask.0', this.mask.tensor('float32', [1, 1, count, width]));
      for (let layer = 0; layer < layers; layer++) {
        cacheNames(layer, 0).forEach((names, which) => {
          const tensor = this.pool.tensor(layer, which as 0 | 1, slot.index, width);
          input(names.input, tensor);
          this.binding.output(names.output, tensor);
        });
      }
      output('logits', this.logits.tensor('float32', [1, wanted, vocabSize], logitsOffset));
      await this.session.run(this.binding);
    } finally {
      for (const tensor of tensors) tensor.release();
    }
    row.logits = new Float32Array(this.logits.buffer(), logitsOffset, wanted * vocabSize);
  }

  commit(slot: Slot, path: ArrayLike<number>, count: number): void {
    const own = slot as KvSlot;
    const base = own.length;
    for (let i = 0; i < count; i++) {
      const row = path[i]!;
      own.tokens[base + i] = own.pending[row]!;
      if (row !== i) this.pool.moveToken(own.index, base + row, base + i);
    }
    own.length = base + count;
  }

  /**
   * Measures the cost curve on this machine with steps of a few widths, and
   * leaves no trace of them in the cache. About 50 ms on the bundled model.
   */
  async measure(): Promise<void> {
    const slot = this.slots[0]!;
    const widths = MEASURED_ROWS.filter((rows) => rows <= this.limits.maxRows);
    const fastest: number[] = [];
    for (const rows of widths) {
      const row: StepRow = {
        slot,
        count: rows,
        tokens: new Int32Array(rows),
        parents: Int16Array.from({ length: rows }, (_, i) => i - 1),
        logitsFrom: 0,
        logits: new Float32Array(0),
      };
      const times: number[] = [];
      for (let i = 0; i < MEASURED_RUNS; i++) {
        const started = performance.now();
        await this.step([row]);
        times.push(performance.now() - started);
      }
      // The fastest run is the one that nothing else disturbed.
      fastest.push(Math.min(...times));
    }
    this.curve = tabulatedCost(widths, fastest);
  }

  /** Rows run one session after another here, so sessions add up; context is within the noise at these lengths. */
  stepCost(rows: number, batch: number, _context: number): number {
    return batch * this.curve(rows);
  }

  close(): void {
    this.binding.release();
    this.pool.release();
    for (const block of [this.ids, this.positions, this.scalars, this.mask, this.logits]) {
      block.release();
    }
    this.session.release();
  }
}

function commonPrefix(tokens: Int32Array, length: number, prompt: Int32Array): number {
  const end = Math.min(length, prompt.length);
  let i = 0;
  while (i < end && tokens[i] === prompt[i]) i++;
  return i;
}
