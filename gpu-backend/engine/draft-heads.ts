/**
 * Heads over the model's last hidden states as a loaded graph (`builder/hydra-graph.ts`). A
 * row depends on nothing that is kept between two runs, so rows of all sessions and heads
 * go into one. What a run takes is learned from every run, as an engine learns it.
 */

import { narrow } from '../builder/float16.ts';
import { buildHydra } from '../builder/hydra-graph.ts';
import type { HydraHeads } from '../builder/hydra-heads.ts';
import { refuseColumns8 } from '../builder/linear/columns8.ts';
import { Weights } from '../builder/weights.ts';
import { type Binding, InferenceSession } from '../ort/inference-session.ts';
import { cpuDevice } from '../ort/tensor.ts';
import { CostModel } from './cost-model.ts';
import { priorOfMatrices } from './cost-prior.ts';
import { InputArena } from './input-arena.ts';
import { deviceOptions, type EngineOptions, threadsOf } from './open.ts';
import type { OrtEngine } from './ort-engine.ts';
import { StepOutputs } from './step-outputs.ts';

/** Rows of the runs that are timed when the graph is opened: one session's first, and those of a few with trees. */
const TIMED_ROWS = [1, 8, 32];
/** In turns, so that a busy moment of the machine meets all. */
const ROUNDS = 3;

/** What one head is asked: the one that reads as many tokens as the row has. */
export interface HeadRow {
  /** The target's last hidden state; read as zeros where it is null. */
  state: Float32Array | null;
  /** The tokens behind it, `count` of them, 1 to `places`. */
  tokens: Int32Array;
  count: number;
  /** Filled by the run: a view into its memory, valid until the next run. */
  logits: Float32Array;
}

/** What reads rows of heads. */
export interface Heads {
  /** The most tokens that a row may have. */
  readonly places: number;
  /** The token of each of a row's logits; null where they are of the whole vocabulary. */
  readonly vocabulary: Int32Array | null;
  /** One at a time. Rejects where ONNX Runtime fails. */
  run(rows: readonly HeadRow[]): Promise<void>;
  /** Milliseconds that a run of so many rows is expected to take. */
  cost(rows: number): number;
  close(): void;
}

export class DraftHeads implements Heads {
  readonly places: number;
  readonly vocabulary: Int32Array | null;
  private readonly session: InferenceSession;
  private readonly release: () => void;
  private readonly binding: Binding;
  private readonly costs: CostModel;
  private readonly hiddenSize: number;
  private readonly isHalf: boolean;
  private readonly arena: InputArena;
  private readonly outputs: StepOutputs;
  /** By head of the run in flight: its rows, and where the next one's state, tokens and logits lie. */
  private readonly rows: Int32Array;
  private readonly nextRow: Int32Array;
  private readonly nextToken: Int32Array;
  private running = false;
  private closed = false;

  private constructor(
    session: InferenceSession,
    { places, vocabulary, layout }: HydraHeads,
    engine: OrtEngine,
    costs: CostModel,
    release: () => void,
  ) {
    const { config } = engine.parts.prepared.model;
    this.places = places;
    this.vocabulary = vocabulary;
    this.session = session;
    this.release = release;
    this.binding = session.bind();
    this.costs = costs;
    this.hiddenSize = config.hiddenSize;
    this.isHalf = layout.compute === 'float16';
    this.arena = new InputArena(layout.compute);
    const host = session.device.host ?? cpuDevice();
    this.outputs = new StepOutputs('logits', vocabulary?.length ?? config.vocabSize, host);
    this.rows = new Int32Array(places);
    this.nextRow = new Int32Array(places);
    this.nextToken = new Int32Array(places);
  }

  /** Beside `engine`, whose matrices it shares where it computes on the same device. Rejects with ORT's text. */
  static async open(
    engine: OrtEngine,
    heads: HydraHeads,
    options: EngineOptions,
  ): Promise<DraftHeads> {
    const { prepared, graphs } = engine.parts;
    const { config } = prepared.model;
    const { layout, places, vocabulary } = heads;
    const { provider = 'cpu' } = options;
    if (Object.values(layout.matrices).some(({ form }) => form === 'columns8')) {
      refuseColumns8(provider);
    }
    const logits = vocabulary?.length ?? config.vocabSize;
    const weights = new Weights(config, layout, 0, provider === 'webgpu' ? 'plain' : 'fused');
    const graph = buildHydra(config, weights, places, logits);
    const shared = graphs.device.name === provider ? graphs.retainWeights() : null;
    const threads = threadsOf(options);
    const loading = InferenceSession.load(graph, prepared.folder, {
      threads,
      ...deviceOptions(options),
      ...(shared && { shared: shared.initializers }),
    });
    const release = () => shared?.release();
    const session = await loading.catch((cause) => {
      release();
      throw cause;
    });
    const prior = priorOfMatrices(...workOf(heads, config.hiddenSize, logits), provider, threads);
    const opened = new DraftHeads(session, heads, engine, new CostModel(prior), release);
    try {
      await opened.calibrate();
      return opened;
    } catch (cause) {
      opened.close();
      throw cause;
    }
  }

  cost(rows: number): number {
    return this.costs.expected({ rows, attended: 0, lanes: 0 });
  }

  async run(rows: readonly HeadRow[]): Promise<void> {
    const milliseconds = await this.execute(rows);
    this.costs.observe({ rows: rows.length, attended: 0, lanes: 0 }, milliseconds);
  }

  close(): void {
    if (this.running) throw new Error('a run is in flight: await it before closing');
    if (this.closed) return;
    this.closed = true;
    this.binding.release();
    this.session.release();
    this.outputs.release();
    this.arena.release();
    this.release();
  }

  /** Resolves with the milliseconds that ONNX Runtime took. */
  private async execute(rows: readonly HeadRow[]): Promise<number> {
    if (this.running) throw new Error('a run is in flight: await it before the next');
    this.running = true;
    let output: ReturnType<DraftHeads['fill']> | undefined;
    try {
      output = this.fill(rows);
      const started = performance.now();
      await this.session.run(this.binding);
      return performance.now() - started;
    } finally {
      output?.release();
      this.running = false;
    }
  }

  /** Packs the rows in the order of their heads, and binds them; the output, which is the caller's to release. */
  private fill(rows: readonly HeadRow[]) {
    const { arena, binding, outputs, places, hiddenSize, isHalf } = this;
    const tokens = this.deal(rows);
    arena.begin(tokens + 2 * places, rows.length * hiddenSize, 1);
    const ids = arena.int64([1, tokens]);
    const rowCounts = arena.hostInt64([places]);
    const tokenCounts = arena.hostInt64([places]);
    const states = arena.float([1, rows.length, hiddenSize]);
    for (let head = 0; head < places; head++) {
      arena.set(rowCounts.offset + head, this.rows[head]!);
      arena.set(tokenCounts.offset + head, this.rows[head]! * (head + 1));
    }
    outputs.reserve(rows.length);
    for (const row of rows) {
      const head = row.count - 1;
      const at = this.nextRow[head]!++;
      const start = states.offset + at * hiddenSize;
      if (!row.state) arena.floats.fill(0, start, start + hiddenSize);
      else arena.floats.set(isHalf ? narrow(row.state) : row.state, start);
      for (let i = 0; i < row.count; i++) {
        arena.set(ids.offset + this.nextToken[head]!++, row.tokens[i]!);
      }
      row.logits = outputs.view(at, 1);
    }
    const output = outputs.tensor(0, rows.length);
    binding.input('states', states.tensor);
    binding.input('input_ids', ids.tensor);
    binding.input('rows', rowCounts.tensor);
    binding.input('tokens', tokenCounts.tensor);
    binding.output('logits', output);
    return output;
  }

  /** Notes where the rows of each head lie; how many tokens there are. */
  private deal(rows: readonly HeadRow[]): number {
    this.rows.fill(0);
    for (const { count } of rows) this.rows[count - 1]!++;
    let [row, token] = [0, 0];
    for (let head = 0; head < this.places; head++) {
      this.nextRow[head] = row;
      this.nextToken[head] = token;
      row += this.rows[head]!;
      token += this.rows[head]! * (head + 1);
    }
    return token;
  }

  /** Times a few runs, so that the first passes are sized by more than a guess. */
  private async calibrate(): Promise<void> {
    const { places } = this;
    const rowsOf = (count: number) =>
      Array.from({ length: count }, (_, i): HeadRow => {
        const own = (i % places) + 1;
        return {
          state: null,
          tokens: new Int32Array(own),
          count: own,
          logits: new Float32Array(0),
        };
      });
    // The first run lays out memory.
    await this.execute(rowsOf(Math.max(...TIMED_ROWS)));
    for (let round = 0; round < ROUNDS; round++) {
      for (const count of TIMED_ROWS) await this.run(rowsOf(count));
    }
  }
}

/** Bytes that a run reads, and weights that a row is multiplied by in the mean over the heads. */
function workOf(
  { layout, places }: HydraHeads,
  hiddenSize: number,
  logits: number,
): [bytes: number, multiplied: number] {
  const own = Object.entries(layout.matrices).filter(([name]) => !name.startsWith('model.'));
  const parts = own.flatMap(([, matrix]) => Object.values(matrix.parts));
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const read = 1 + (places + 1) / 2;
  return [bytes, hiddenSize * (read * hiddenSize + logits)];
}
