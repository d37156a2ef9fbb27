/**
 * The graph of Hydra's heads: one run answers rows of several heads, and has no cache.
 * Of head k a row is h + silu(W · [h; e₁; …; eₖ] + b), through a norm of their own and the
 * head of the layout; h is the model's last hidden state, e₁ to eₖ the embeddings of the
 * tokens behind it, each divided by its root mean square.
 *
 * Inputs   states [1, R, hiddenSize], of rows in the order of their heads; input_ids [1, T],
 *          the tokens of each row, in order; rows [places] and tokens [places], how many of
 *          both each head has
 * Outputs  logits [1, R, vocab] float32
 */
import { ElementType } from '../ort/tensor.ts';
import type { DecoderConfig } from './config.ts';
import { FINAL_NORM } from './convert.ts';
import { narrow } from './float16.ts';
import { headName } from './hydra-heads.ts';
import { GraphBuilder } from './onnx.ts';
import type { Weights } from './weights.ts';

/** Of an embedding: a token that no text has may have one of zeros. As `models/recipe/hydra.py` has it. */
const LEAST_SQUARE = 1e-12;

/** @param logits of a row */
export function buildHydra(
  { hiddenSize, normEpsilon }: DecoderConfig,
  weights: Weights,
  places: number,
  logits: number,
): Uint8Array {
  const { compute } = weights;
  const graph = new GraphBuilder('hydra');
  graph.input('states', compute, [1, 'R', hiddenSize]);
  graph.input('input_ids', 'int64', [1, 'T']);
  graph.input('rows', 'int64', [places]);
  graph.input('tokens', 'int64', [places]);

  const ones = new Float32Array(hiddenSize).fill(1);
  const plain = compute === 'float32' ? ones : narrow(ones);
  const gains = graph.constant('ones', compute, [hiddenSize], plain);
  const looked = weights.unrotated(graph, weights.embed(graph, 'input_ids'), 'embedded.own');
  const embedded = normed(looked, gains, 'embedded.normed', LEAST_SQUARE);
  const numbers = Array.from({ length: places }, (_, i) => i + 1);
  const states = dealt('states', 'rows', 'state');
  const paths = dealt(embedded, 'tokens', 'path');
  const answers = numbers.map((place, i) => answer(place, states[i]!, paths[i]!));
  const all = graph.node('Concat', answers, 'answers', { axis: 1 });
  const own = normed(all, weights.vector(graph, FINAL_NORM), 'answers.normed', normEpsilon);
  const computed = compute === 'float32' ? 'logits' : 'logits_computed';
  weights.head(graph, own, false, computed);
  if (computed !== 'logits') graph.node('Cast', [computed], 'logits', { to: ElementType.float32 });
  graph.output('logits', 'float32', [1, 'R', logits]);
  return graph.encode();

  function normed(input: string, weight: string, output: string, epsilon: number): string {
    const attributes = { axis: -1, epsilon: { float: epsilon }, stash_type: 1 };
    return graph.node('SimplifiedLayerNormalization', [input, weight], output, attributes);
  }

  /** Each head's share of the rows of `input`. */
  function dealt(input: string, counts: string, name: string): string[] {
    const outputs = numbers.map((place) => `${name}.${place}`);
    graph.nodeWithOutputs('Split', [input, counts], outputs, { axis: 1 });
    return outputs;
  }

  function answer(place: number, state: string, path: string): string {
    const read = graph.reshape(path, [1, -1, place * hiddenSize], 'whole');
    const both = graph.node('Concat', [state, read], `both.${place}`, { axis: 2 });
    const sum = weights.linear(graph, both, headName(place), `sum.${place}`);
    const sigmoid = graph.node('Sigmoid', [sum], `sigmoid.${place}`);
    const silu = graph.node('Mul', [sum, sigmoid], `silu.${place}`);
    return graph.node('Add', [state, silu], `answer.${place}`);
  }
}
