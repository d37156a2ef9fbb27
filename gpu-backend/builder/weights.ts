/** Adds a checkpoint's tensors to a graph, under the checkpoint's own names, and what reads them. */
import type { DecoderConfig } from './config.ts';
import { EMBEDDING, FINAL_GAINS, HEAD, TRIMMED_HEAD, type WeightLayout } from './convert.ts';
import { narrow } from './float16.ts';
import type { HeadOrder } from './head-order.ts';
import { partsOf } from './joined-layers.ts';
import { BlockProducts, lookUpBlocks } from './linear/block-products.ts';
import { Columns8Products, lookUpColumns8 } from './linear/columns8.ts';
import { denseProduct, type ProductForm } from './linear/dense.ts';
import { RotationGraph } from './linear/rotation-graph.ts';
import { partName, type StoredMatrix } from './linear/stored-matrix.ts';
import type { GraphBuilder } from './onnx.ts';
import { ropeTables } from './rope.ts';
import type { ComputeType } from './tensor-reader.ts';

/**
 * Where a graph looks for a matrix that no file has as it was loaded: it must be given the loaded
 * one, and fails where ONNX Runtime would read the file instead.
 */
const BEYOND_FILES = 2 ** 50;

export class Weights {
  readonly compute: ComputeType;
  private readonly config: DecoderConfig;
  private readonly layout: WeightLayout;
  private readonly positions: number;
  private readonly products: ProductForm;
  private readonly order: HeadOrder | null;
  private readonly added = new Set<string>();
  private columns8: Columns8Products | null = null;
  private blocks: BlockProducts | null = null;

  /** `positions`: how many the rotary tables cover. One instance serves one graph. */
  constructor(
    config: DecoderConfig,
    layout: WeightLayout,
    positions: number,
    products: ProductForm = 'fused',
    order: HeadOrder | null = null,
  ) {
    this.order = order;
    this.products = products;
    this.config = config;
    this.compute = layout.compute;
    this.layout = layout;
    this.positions = positions;
  }

  /** rope_cos and rope_sin, [positions, headDim / 2]. */
  rope(graph: GraphBuilder): void {
    const { rope, headDim } = this.config;
    const tables = ropeTables(rope, headDim, this.positions);
    for (const [name, table] of Object.entries(tables)) {
      const data = this.compute === 'float32' ? table : narrow(table);
      graph.constant(`rope_${name}`, this.compute, [this.positions, headDim / 2], data);
    }
  }

  /** The embeddings of tokens `ids` [1, T], as the residual stream begins: [1, T, hidden]. */
  embed(graph: GraphBuilder, ids: string): string {
    const table = this.table();
    const stored = this.matrix(graph, table);
    if (stored.form === 'columns8') return lookUpColumns8(graph, table, stored, ids);
    if (stored.form === 'blocks8') return lookUpBlocks(graph, table, ids);
    return graph.node('Gather', [partName(table, 'values'), ids], 'embedded');
  }

  /** Whether the residual stream is: what is put into it must be too. */
  get rotated(): boolean {
    return this.layout.rotated;
  }

  /** Rows of the residual stream as the checkpoint has it, not rotated: trained layers know no other. */
  unrotated(graph: GraphBuilder, rows: string, output: string): string {
    if (!this.layout.rotated) return rows;
    return new RotationGraph(graph, this.config.hiddenSize).back(rows, output);
  }

  /** A norm's weight or a bias, [width]. */
  vector(graph: GraphBuilder, name: string): string {
    const tensor = this.layout.vectors[name];
    if (!tensor) throw new Error(`the checkpoint has no tensor "${name}"`);
    if (this.added.has(name)) return name;
    this.added.add(name);
    const { pieces, type, shape } = tensor;
    if (!pieces) return graph.external(name, type, shape, tensor);
    const parts = pieces.map((piece, i) =>
      graph.external(`${name}.${i}`, piece.type, piece.shape, piece),
    );
    return graph.node('Concat', parts, name, { axis: 0 });
  }

  /** x · Wᵀ (+ bias) of a layer's matrix. */
  linear(graph: GraphBuilder, input: string, layer: string, output: string): string {
    const bias = `${layer}.bias`;
    if (!(bias in this.layout.vectors)) {
      return this.product(graph, input, `${layer}.weight`, output);
    }
    const product = this.product(graph, input, `${layer}.weight`, `${output}.product`);
    return graph.node('Add', [product, this.bias(graph, layer)], output);
  }

  /** In the order of its matrix's rows. ONNX Runtime joins and turns constants when it loads the graph, not in each step. */
  private bias(graph: GraphBuilder, layer: string): string {
    const name = `${layer}.bias`;
    const vector = this.vector(graph, name);
    if (this.order?.sideOf(`${layer}.weight`) !== 'rows') return vector;
    const rows = BigInt64Array.from(
      this.order.rowsOf(this.layout.vectors[name]!.shape[0]!),
      BigInt,
    );
    const order = graph.constant(`${name}.rows`, 'int64', [rows.length], rows);
    return graph.node('Gather', [vector, order], `${name}.turned`);
  }

  /** Whether the parts of a layer are one matrix. */
  isJoined(layer: string): boolean {
    return `${layer}.weight` in this.layout.matrices;
  }

  /** x · Wᵀ (+ bias) of the parts of a joined layer: one product where they are one matrix. */
  joined(
    graph: GraphBuilder,
    input: string,
    layer: string,
    outputs: readonly string[],
    sizes: readonly number[],
  ): void {
    if (this.isJoined(layer)) {
      graph.split(this.linear(graph, input, layer, `${outputs[0]}.joined`), outputs, sizes);
      return;
    }
    for (const [i, part] of partsOf(layer).entries()) {
      this.linear(graph, input, part, outputs[i]!);
    }
  }

  /**
   * Adds `logits` of the final norm's rows [1, R, hidden], and returns their hidden
   * state: as the checkpoint has it where `plain` asks for it, else in any form.
   */
  head(graph: GraphBuilder, rows: string, plain: boolean, logits: string): string {
    if (TRIMMED_HEAD in this.layout.matrices) {
      this.product(graph, rows, TRIMMED_HEAD, logits);
      return rows;
    }
    const tied = this.layout.matrices[HEAD] === undefined || this.table() === HEAD;
    const matrix = tied ? this.table() : HEAD;
    if (!this.layout.rotated || (!tied && !plain)) {
      this.product(graph, rows, matrix, logits);
      return rows;
    }
    const turn = new RotationGraph(graph, this.config.hiddenSize);
    const gains = this.vector(graph, FINAL_GAINS);
    const hidden = graph.node('Mul', [turn.back(rows, 'hidden.own'), gains], 'hidden.gained');
    // The norm's weights are in a head of its own, but can't be in a table that is looked up too.
    this.product(graph, tied ? turn.forward(hidden, 'hidden.turned') : rows, matrix, logits);
    return hidden;
  }

  private table(): string {
    return EMBEDDING in this.layout.matrices ? EMBEDDING : HEAD;
  }

  private product(graph: GraphBuilder, input: string, name: string, output: string): string {
    const stored = this.matrix(graph, name);
    switch (stored.form) {
      case 'columns8':
        this.columns8 ??= new Columns8Products(graph);
        return this.columns8.product(input, name, stored, output);
      case 'blocks4':
      case 'blocks8':
        this.blocks ??= new BlockProducts(graph, this.products);
        return this.blocks.product(input, name, stored, output);
      case 'dense': {
        const values = partName(name, 'values');
        return denseProduct(graph, this.products, input, values, stored.shape, output);
      }
    }
  }

  private matrix(graph: GraphBuilder, name: string): StoredMatrix {
    const stored = this.layout.matrices[name];
    if (!stored) throw new Error(`the checkpoint has no tensor "${name}"`);
    if (this.added.has(name)) return stored;
    this.added.add(name);
    const turned = this.order?.sideOf(name) !== undefined;
    for (const [part, initializer] of Object.entries(stored.parts)) {
      const { type, shape, pieces } = initializer;
      const offset = initializer.offset + (turned || pieces ? BEYOND_FILES : 0);
      graph.external(partName(name, part), type, shape, { ...initializer, offset });
    }
    return stored;
  }
}
