/**
 * Prompt tokens (PPD, 2405.18628; `models/recipe/prompt_tokens.py`): trained embeddings that
 * stand behind a text in the model's own pass, one a place. What the model says at the k-th
 * names the token k + 1 behind the text's end. Their ids follow the vocabulary's.
 */
import type { DecoderConfig } from './config.ts';
import { narrowFinite, requireFinite } from './finite.ts';
import type { ModelFolder } from './model-folder.ts';
import type { GraphBuilder } from './onnx.ts';
import { Rotation } from './rotation.ts';
import { readSafetensorsFile } from './safetensors.ts';
import { readRows } from './tensor-reader.ts';
import { requireTarget } from './trained-file.ts';
import type { Weights } from './weights.ts';

/** Of a file's embeddings, [places, hiddenSize]. */
const TENSOR = 'prompts';
/** Prompt tokens of a file: each further one is right less often, and a row of the target's like any other. */
const MOST_PLACES = 8;

/** The embeddings in `file`, place by place. Throws an Error that names what of it does not fit the model. */
export function readPromptTokens(model: ModelFolder, file: string): Float32Array {
  const { tensors, metadata } = readSafetensorsFile(file);
  requireTarget(metadata, { model }, file);
  const { hiddenSize } = model.config;
  const [tensor, another] = tensors;
  if (tensor?.name !== TENSOR || another) {
    const names = tensors.map(({ name }) => `"${name}"`).join(', ');
    throw new Error(`${file}: prompt tokens are one tensor "${TENSOR}", not ${names || 'none'}`);
  }
  const [places = 0, width] = tensor.shape;
  const fits = tensor.shape.length === 2 && width === hiddenSize;
  if (!fits || places < 1 || places > MOST_PLACES) {
    throw new Error(
      `${file}: "${TENSOR}" is [${tensor.shape.join(', ')}], ` +
        `the model asks for [1 to ${MOST_PLACES}, ${hiddenSize}]`,
    );
  }
  const values = new Float32Array(places * hiddenSize);
  let at = 0;
  for (const rows of readRows(tensor)) {
    values.set(rows, at);
    at += rows.length;
  }
  return requireFinite(values, `${file}: "${TENSOR}"`);
}

/** What `Weights.embed` gives of tokens, and of ids from the vocabulary's end on the prompt tokens: [1, T, hidden]. */
export function promptedInput(
  graph: GraphBuilder,
  weights: Weights,
  { hiddenSize, vocabSize }: DecoderConfig,
  prompts: Float32Array,
): string {
  const values = prompts.slice();
  if (weights.rotated) new Rotation(hiddenSize).turnRows(values);
  // One that is not would make every row of a step not a number, and later steps of its slot.
  const what = 'prompt tokens, as the model computes';
  const isWide = weights.compute === 'float32';
  const data = isWide ? requireFinite(values, what) : narrowFinite(values, what);
  const shape = [values.length / hiddenSize, hiddenSize];
  const table = graph.constant('prompt_tokens', weights.compute, shape, data);
  const end = graph.integers([vocabSize]);
  const ids = graph.node('Min', ['input_ids', graph.integers([vocabSize - 1])], 'token_ids');
  const behind = graph.node('Sub', ['input_ids', end], 'prompt_ids_behind');
  const places = graph.node('Max', [behind, graph.integers([0])], 'prompt_ids');
  const isPrompt = graph.node('GreaterOrEqual', ['input_ids', end], 'is_prompt');
  const wide = graph.node('Unsqueeze', [isPrompt, graph.integers([2])], 'is_prompt_wide');
  const prompted = graph.node('Gather', [table, places], 'prompted');
  return graph.node('Where', [wide, prompted, weights.embed(graph, ids)], 'embedded_or_prompted');
}
