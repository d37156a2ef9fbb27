/**
 * Attention whose result for a row is the same bits wherever in the cache the
 * rows lie that it sees, whatever lies between them and whatever runs beside it.
 *
 * With s = q·K / √d + mask, e = exp(s − max s) is exactly 0 for a masked row. The
 * result is Σ e·v / Σ e, and both sums are matrix products, which MLAS adds up
 * term after term in the order of the cache: a term that is exactly 0 changes
 * nothing, so siblings between two ancestors leave no trace. (A softmax that adds
 * in SIMD lanes is changed by them: they move ancestors to other lanes.)
 *
 * What the order depends on besides is MLAS's panel of the summed dimension:
 * each panel is summed from zero, then added. With at most 16 columns in the
 * product a panel is 1,024 rows of the cache, always, and the product is never
 * cut by columns for threads; so V is multiplied in slices of up to 16 columns.
 * The scores of head dimensions up to 128 fit into one panel whatever its shape.
 * `engine/panel.ts` holds what follows for trees that cross a panel's end.
 *
 * A product of one row with a cache goes through another routine of MLAS, with
 * another order: `leastRowsOf` keeps a lane from having one, and `maxExactThreads` a
 * thread from being given one.
 */
import { ElementType } from '../ort/tensor.ts';
import type { AttentionKernel, NewRows } from './attention-kernel.ts';
import { CacheWriter } from './cache-writer.ts';
import type { DecoderConfig } from './config.ts';
import { type Attribute, type GraphBuilder, MICROSOFT } from './onnx.ts';
import type { ComputeType } from './tensor-reader.ts';
import { UnsupportedModelError } from './unsupported.ts';

/** The most columns of a product whose panel is 1,024 rows (MLAS_SGEMM_STRIDEN_THREAD_ALIGN). */
const MAX_SLICE = 16;
/** The least panel that MLAS takes (MLAS_SGEMM_STRIDEK): the most columns of q and k in one product. */
const MAX_SCORED = 128;

/** How many columns of a head are multiplied at once, and in how many products. */
function slicesOf(headDim: number, most: number): { count: number; width: number } {
  let width = Math.min(most, headDim);
  while (headDim % width !== 0) width--;
  return { count: headDim / width, width };
}

/**
 * The most threads with which no thread is given a single row of a product: MLAS
 * divides the threads among the products of a batch, here at least one a key
 * head, and cuts a product by rows only where it has as many rows as columns.
 */
export function maxExactThreads({ headDim, kvHeads }: DecoderConfig): number {
  return kvHeads * Math.max(1, slicesOf(headDim, MAX_SLICE).width >> 1);
}

export class ExactAttention implements AttentionKernel {
  private readonly graph: GraphBuilder;
  private readonly config: DecoderConfig;
  private readonly compute: ComputeType;
  private readonly caches: CacheWriter;
  private readonly batchedLanes: boolean;
  /** Query heads that share a key head; they are rows of one product. */
  private readonly group: number;
  private readonly scored: { count: number; width: number };
  private readonly sliced: { count: number; width: number };

  /** Throws UnsupportedModelError for a head that is too wide. */
  constructor(
    graph: GraphBuilder,
    config: DecoderConfig,
    compute: ComputeType,
    batchedLanes: boolean,
  ) {
    const { heads, kvHeads, headDim } = config;
    this.graph = graph;
    this.config = config;
    this.compute = compute;
    this.caches = new CacheWriter(graph, config, compute, batchedLanes);
    this.batchedLanes = batchedLanes;
    this.group = heads / kvHeads;
    this.scored = slicesOf(headDim, MAX_SCORED);
    this.sliced = slicesOf(headDim, MAX_SLICE);
    if (this.scored.count > 2) {
      // Two parts of a score can be added in one order only; of three nobody says which.
      throw new UnsupportedModelError(`head_dim ${headDim} on a CPU`, 'up to 256, and even');
    }
  }

  /** The mask for the rows of all heads, [B, 1, 1, group · S, M], and a matrix of ones, [M, 1, 1, 1, width]. */
  addLane(lane: number): void {
    const { graph, group } = this;
    this.caches.addLane(lane);
    const mask = this.float32(`mask.${lane}`);
    const rows =
      group === 1
        ? mask
        : graph.node('Concat', Array<string>(group).fill(mask), `${mask}.by_head`, { axis: 2 });
    graph.node('Unsqueeze', [rows, graph.integers([1])], `mask_rows.${lane}`);
    const tokens = graph.node('Shape', [mask], `tokens.${lane}`, { start: 3 });
    const width = graph.integers([1, 1, 1, this.sliced.width]);
    const shape = graph.node('Concat', [tokens, width], `ones_shape.${lane}`, { axis: 0 });
    graph.node('Expand', [graph.float(1), shape], `ones.${lane}`);
  }

  attend(cache: number, lane: number, [query, ...rows]: NewRows): string {
    const { graph, group, sliced } = this;
    const { heads, kvHeads, headDim } = this.config;
    const [keys, values] = this.caches.write(cache, lane, rows);
    const at = `${cache}.${lane}`;
    const masked = graph.node(
      'Add',
      [this.scores(at, query, keys), `mask_rows.${lane}`],
      `masked.${at}`,
    );
    const most = graph.node('ReduceMax', [masked, graph.integers([-1])], `most.${at}`);
    const below = graph.node('Sub', [masked, most], `below.${at}`);
    const weights = graph.node('Exp', [below], `weights.${at}`);
    const v = this.byToken(values, [kvHeads, sliced.count, sliced.width]);
    const sums = this.product(weights, v, `sums.${at}`);
    const total = this.product(weights, `ones.${lane}`, `total.${at}`);
    const mean = graph.node('Div', [sums, total], `mean.${at}`);
    const shape = [0, kvHeads, sliced.count, group, -1, sliced.width];
    const byRow = graph.node('Transpose', [graph.reshape(mean, shape, 'heads')], `rows.${at}`, {
      perm: [0, 4, 1, 3, 2, 5],
    });
    const packed = graph.reshape(byRow, [1, -1, heads * headDim], 'packed');
    if (this.compute === 'float32') return packed;
    return graph.node('Cast', [packed], `${packed}.cast`, { to: ElementType[this.compute] });
  }

  /** q·k / √d, [B, kvHeads, 1, group · S, M]. */
  private scores(at: string, query: string, keys: string): string {
    const { graph, group, scored } = this;
    const { kvHeads, headDim } = this.config;
    const shape = [0, 0, kvHeads, group, scored.count, scored.width];
    const byHead = graph.reshape(this.float32(query), shape, 'heads');
    const turned = graph.node('Transpose', [byHead], `${query}.turned`, {
      perm: [0, 2, 4, 3, 1, 5],
    });
    const q = graph.reshape(turned, [0, kvHeads, scored.count, -1, scored.width], 'rows');
    const k = this.byToken(keys, [kvHeads, scored.count, scored.width]);
    const scale = { float: 1 / Math.sqrt(headDim) };
    const parts = this.product(q, k, `scores.${at}`, { transB: 1, alpha: scale });
    if (scored.count === 1) return parts;
    return graph.node('ReduceSum', [parts, graph.integers([2])], `${parts}.sum`);
  }

  /** Multiplies by a matrix for each of the batch whose tokens are the first dimension. */
  private product(
    left: string,
    right: string,
    output: string,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    const all = { transBatchB: 1, ...attributes };
    return this.graph.node('FusedMatMul', [left, right], output, all, MICROSOFT);
  }

  /** A cache with its tokens first: [M, B, ...shape]. Of one slot's nothing is moved. */
  private byToken(cache: string, shape: readonly number[]): string {
    const { graph } = this;
    const data = this.float32(cache);
    if (!this.batchedLanes) return graph.reshape(data, [-1, 1, ...shape], 'by_token');
    const turned = graph.node('Transpose', [data], `${cache}.turned`, { perm: [1, 0, 2] });
    return graph.reshape(turned, [0, 0, ...shape], 'by_token');
  }

  /** CPUs add in float32: a narrower sum would lose what the narrower type still holds. */
  private float32(input: string): string {
    if (this.compute === 'float32') return input;
    return this.graph.node('Cast', [input], `${input}.float32`, { to: ElementType.float32 });
  }
}
