/**
 * The verifier's graph: a Llama-family decoder that reads trees of tokens from
 * several sessions at once and updates their KV caches in place.
 *
 * Linear layers see the rows of all sessions as one packed sequence, so ragged
 * trees cost no padding there. Attention is done lane by lane: a lane is a run
 * of B neighbouring slots of a cache with S rows each. On a CPU a lane is one
 * slot, cut exactly as long as its context needs, because there the cost of
 * attention follows the tensor and not the mask; on a GPU it is a whole bucket
 * of slots, because there every operator costs a launch.
 *
 * Inputs   input_ids, position_ids [1, T]; logit_rows [R]; with several lanes,
 *          lane_rows [lanes], the rows of each; per lane i: mask.i [B, 1, S, M],
 *          additive, ancestors 0, the rest `MASKED`; write.i [B], where the new
 *          rows go; with batched lanes shape.i = [B, S, -1], and with fused
 *          attention too length.i [B], rows of the cache that count; per layer l:
 *          key.l.i and value.l.i [B, M, kvHeads · headDim]; optionally features
 *          [1, T, hiddenSize]
 * Outputs  logits [1, R, vocab] float32; key_out.l.i and value_out.l.i, to be
 *          bound to the memory of the inputs; optionally hidden [1, R, hiddenSize]
 *          float32, top_ids [1, R, top], the most likely tokens, and peaks [1, R,
 *          blocks], the largest logit of each block
 */

import { ElementType } from '../ort/tensor.ts';
import { AttentionGraph } from './attention.ts';
import type { DecoderConfig } from './config.ts';
import { FINAL_NORM } from './convert.ts';
import { type DecoderBlock, type DecoderOptions, layersOf } from './decoder-options.ts';
import { fusedInput } from './fused-input.ts';
import { GraphBuilder, MICROSOFT } from './onnx.ts';
import { addPeaks } from './peaks.ts';
import { promptedInput } from './prompt-tokens.ts';
import type { Weights } from './weights.ts';

/** The norm whose result a block reads; the final one behind the last block. */
function normBefore(block: DecoderBlock | undefined): string {
  if (!block) return FINAL_NORM;
  const name = block.kind === 'attention' ? 'input_layernorm' : 'post_attention_layernorm';
  return `model.layers.${block.layer}.${name}.weight`;
}

/** The serialised graph; its initializers point into the files that `weights` names. */
export function buildDecoder(
  config: DecoderConfig,
  weights: Weights,
  options: DecoderOptions,
): Uint8Array {
  const graph = new GraphBuilder('decoder');
  const attention = new AttentionGraph(graph, config, weights, options);
  graph.input('input_ids', 'int64', [1, 'T']);
  graph.input('position_ids', 'int64', [1, 'T']);
  graph.input('logit_rows', 'int64', ['R']);
  attention.addInputs();

  const blocks = options.blocks ?? layersOf(0, config.layers);
  let sum = options.features
    ? fusedInput(graph, weights, config, blocks[0]!.layer)
    : options.promptTokens
      ? promptedInput(graph, weights, config, options.promptTokens)
      : weights.embed(graph, 'input_ids');
  let normed = norm(sum, normBefore(blocks[0]));
  let caches = 0;
  for (const [i, { kind, layer }] of blocks.entries()) {
    const added =
      kind === 'attention'
        ? attention.add(normed, layer, caches++)
        : feedForward(graph, config, weights, normed, layer);
    const next = blocks[i + 1];
    if (next && next.layer >= config.layers && layer < config.layers) {
      const stream = graph.node('Add', [sum, added], 'model.stream');
      sum = weights.unrotated(graph, stream, 'model.stream.own');
      normed = norm(sum, normBefore(next));
    } else {
      [sum, normed] = addAndNorm(sum, added, normBefore(next));
    }
  }
  head(normed);
  return graph.encode();

  function norm(input: string, weight: string): string {
    return graph.node(
      'SimplifiedLayerNormalization',
      [input, weights.vector(graph, weight)],
      `${input}.norm`,
      { axis: -1, epsilon: { float: config.normEpsilon }, stash_type: 1 },
    );
  }

  /** Residual sum and its norm in one operator: [sum, norm]. */
  function addAndNorm(residual: string, addend: string, weight: string): [string, string] {
    const outputs: [string, string] = [`${addend}.sum`, `${addend}.sum_norm`];
    graph.nodeWithOutputs(
      'SkipSimplifiedLayerNormalization',
      [residual, addend, weights.vector(graph, weight)],
      [outputs[1], '', '', outputs[0]],
      { epsilon: { float: config.normEpsilon } },
      MICROSOFT,
    );
    return outputs;
  }

  /** Only rows whose logits are wanted go through the head: a prefill chunk's would cost the most of all. */
  function head(input: string): void {
    const wanted = graph.node('Gather', [input, 'logit_rows'], 'wanted_rows', { axis: 1 });
    const computed = weights.compute === 'float32' ? 'logits' : 'logits_computed';
    const hidden = weights.head(graph, wanted, options.hiddenOutput ?? false, computed);
    if (options.hiddenOutput) {
      graph.node('Cast', [hidden], 'hidden', { to: ElementType.float32 });
      graph.output('hidden', 'float32', [1, 'R', config.hiddenSize]);
    }
    if (computed !== 'logits') {
      graph.node('Cast', [computed], 'logits', { to: ElementType.float32 });
    }
    graph.output('logits', 'float32', [1, 'R', options.logits ?? config.vocabSize]);
    if (options.top) addTop(graph, options.top);
    if (options.peaks) addPeaks(graph, options.logits ?? config.vocabSize, options.peaks);
  }
}

/** SwiGLU: down(silu(gate(x)) · up(x)). */
function feedForward(
  graph: GraphBuilder,
  { intermediateSize }: DecoderConfig,
  weights: Weights,
  input: string,
  layer: number,
): string {
  const at = `model.layers.${layer}.mlp`;
  const [gate, up] = [`gate.${layer}`, `up.${layer}`];
  const sizes = [intermediateSize, intermediateSize];
  weights.joined(graph, input, `${at}.gate_up_proj`, [gate, up], sizes);
  const sigmoid = graph.node('Sigmoid', [gate], `gate_sigmoid.${layer}`);
  const silu = graph.node('Mul', [gate, sigmoid], `gate_silu.${layer}`);
  const product = graph.node('Mul', [silu, up], `gated.${layer}`);
  return weights.linear(graph, product, `${at}.down_proj`, `mlp_out.${layer}`);
}

function addTop(graph: GraphBuilder, top: number): void {
  const outputs = ['top_logits', 'top_ids'];
  graph.nodeWithOutputs('TopK', ['logits', graph.integers([top])], outputs, { axis: -1 });
  graph.output('top_ids', 'int64', [1, 'R', top]);
}
