/** What the first layer of a feature drafter reads: tokens and hidden states as one. */
import type { DecoderConfig } from './config.ts';
import type { GraphBuilder } from './onnx.ts';
import type { Weights } from './weights.ts';

/**
 * The embeddings, brought to the states' size by a norm of their own, and the states
 * beside them, as one product: [1, T, hidden].
 */
export function fusedInput(
  graph: GraphBuilder,
  weights: Weights,
  { hiddenSize, normEpsilon }: DecoderConfig,
  layer: number,
): string {
  const at = `model.layers.${layer}`;
  graph.input('features', weights.compute, [1, 'T', hiddenSize]);
  const looked = weights.embed(graph, 'input_ids');
  const embedded = graph.node(
    'SimplifiedLayerNormalization',
    [
      weights.unrotated(graph, looked, 'embedded.own'),
      weights.vector(graph, `${at}.embedding_norm.weight`),
    ],
    'embedded_normed',
    { axis: -1, epsilon: { float: normEpsilon }, stash_type: 1 },
  );
  const both = graph.node('Concat', [embedded, 'features'], 'token_and_state', { axis: 2 });
  return weights.linear(graph, both, `${at}.fusion`, 'fused');
}
