/** What a checkpoint's config.json says about its architecture, in one form for every family. */
import { join } from 'node:path';
import { refuseForeignOptions } from './foreign-options.ts';
import { readJsonObject } from './read-json.ts';
import { parseRope, type Rope } from './rope.ts';
import { UnsupportedModelError } from './unsupported.ts';

export interface DecoderConfig {
  architecture: Architecture;
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  /** Numbers of its first layers behind which it was trained to say its words too, for the same head (S2D, 2407.01955); rising. */
  exits: readonly number[];
  heads: number;
  kvHeads: number;
  headDim: number;
  normEpsilon: number;
  rope: Rope;
  maxPositions: number;
  /** The output projection is the embedding table. */
  tiedEmbeddings: boolean;
  queryKeyNorm: boolean;
  /** Layers that may have one; a checkpoint without it has none to add. */
  biases: { queryKeyValue: boolean; output: boolean; mlp: boolean };
}

/** Architectures by config.json's name, and whether q and k are RMS-normalised per head. */
const ARCHITECTURES = {
  LlamaForCausalLM: { queryKeyNorm: false },
  MistralForCausalLM: { queryKeyNorm: false },
  Qwen2ForCausalLM: { queryKeyNorm: false },
  Qwen3ForCausalLM: { queryKeyNorm: true },
} as const;
/** Layers without a window where Qwen's config.json does not say. */
const QWEN_WINDOW_LAYERS = 28;
type Architecture = keyof typeof ARCHITECTURES;

export function readDecoderConfig(folder: string): DecoderConfig {
  return parseDecoderConfig(readJsonObject(join(folder, 'config.json')));
}

/** Throws UnsupportedModelError for what would compute something else than the checkpoint means. */
export function parseDecoderConfig(config: Record<string, unknown>): DecoderConfig {
  const architecture = parseArchitecture(config.architectures);
  if ((config.hidden_act ?? 'silu') !== 'silu') {
    throw new UnsupportedModelError(`hidden_act "${config.hidden_act}"`, 'silu');
  }
  refuseForeignOptions(config);
  const heads = positive(config, 'num_attention_heads');
  const hiddenSize = positive(config, 'hidden_size');
  const maxPositions = positive(config, 'max_position_embeddings');
  const window = slidingWindow(config, architecture);
  if (window !== null && window < maxPositions) {
    throw new UnsupportedModelError(
      `sliding-window attention over ${window} of ${maxPositions} positions`,
      'attention over the whole context (set sliding_window to null and max_position_embeddings to the window)',
    );
  }
  const headDim = config.head_dim == null ? hiddenSize / heads : positive(config, 'head_dim');
  const kvHeads =
    config.num_key_value_heads == null ? heads : positive(config, 'num_key_value_heads');
  if (!Number.isInteger(headDim) || headDim % 2 !== 0 || heads % kvHeads !== 0) {
    throw new Error(
      `config.json: head_dim ${headDim} must be even, ${heads} heads a multiple of ${kvHeads}`,
    );
  }
  return {
    architecture,
    vocabSize: positive(config, 'vocab_size'),
    hiddenSize,
    intermediateSize: positive(config, 'intermediate_size'),
    layers: positive(config, 'num_hidden_layers'),
    exits: exitsOf(config),
    heads,
    kvHeads,
    headDim,
    normEpsilon: normEpsilon(config.rms_norm_eps ?? 1e-6),
    rope: parseRope(config),
    maxPositions,
    tiedEmbeddings: config.tie_word_embeddings === true,
    queryKeyNorm: ARCHITECTURES[architecture].queryKeyNorm,
    biases: biasesOf(config, architecture),
  };
}

/** What the recipe's small models note. Throws an Error for any but rising numbers of fewer layers than there are. */
function exitsOf(config: Record<string, unknown>): number[] {
  const { draft_exits: exits = [] } = config;
  const layers = positive(config, 'num_hidden_layers');
  const rise = (exit: unknown, i: number, all: unknown[]) =>
    Number.isInteger(exit) && Number(exit) > Number(all[i - 1] ?? 0) && Number(exit) < layers;
  if (Array.isArray(exits) && exits.every(rise)) return exits;
  throw new Error(
    `config.json: draft_exits must be rising numbers from 1 to ${layers - 1}, not ${JSON.stringify(exits)}`,
  );
}

/** As transformers has it: Mistral knows none, and Qwen2 has those of queries, keys and values always. */
function biasesOf(
  { attention_bias: attention, mlp_bias: mlp }: Record<string, unknown>,
  architecture: Architecture,
): DecoderConfig['biases'] {
  const named = architecture === 'LlamaForCausalLM' || architecture === 'Qwen3ForCausalLM';
  return {
    queryKeyValue: architecture === 'Qwen2ForCausalLM' || (named && attention === true),
    output: named && attention === true,
    mlp: architecture === 'LlamaForCausalLM' && mlp === true,
  };
}

function parseArchitecture(value: unknown): Architecture {
  const name = Array.isArray(value) ? value[0] : undefined;
  if (typeof name === 'string' && Object.hasOwn(ARCHITECTURES, name)) return name as Architecture;
  throw new UnsupportedModelError(
    `architecture ${name ?? '(none named in config.json)'}`,
    Object.keys(ARCHITECTURES).join(', '),
  );
}

/**
 * Positions that a layer attends over, or null for all. As transformers has it:
 * Llama knows no window; Qwen's is off unless switched on, and then begins at
 * layer `max_window_layers`; `layer_types` says it layer by layer.
 */
function slidingWindow(config: Record<string, unknown>, architecture: Architecture): number | null {
  const { layer_types: types, sliding_window: window } = config;
  if (windowedByType(types)) return positive(config, 'sliding_window');
  if (architecture === 'LlamaForCausalLM' || window == null) return null;
  if (architecture === 'MistralForCausalLM') return positive(config, 'sliding_window');
  const first = Number(config.max_window_layers ?? QWEN_WINDOW_LAYERS);
  const windowed = config.use_sliding_window === true && Number(config.num_hidden_layers) > first;
  return windowed && !Array.isArray(types) ? positive(config, 'sliding_window') : null;
}

/** Throws UnsupportedModelError for a layer that attends in another way. */
function windowedByType(types: unknown): boolean {
  if (!Array.isArray(types)) return false;
  const other = types.find((type) => type !== 'full_attention' && type !== 'sliding_attention');
  if (other !== undefined) throw new UnsupportedModelError(`a layer of ${other}`, 'full_attention');
  return types.includes('sliding_attention');
}

function normEpsilon(value: unknown): number {
  if (typeof value === 'number' && value >= 0) return value;
  throw new Error(`config.json: rms_norm_eps must be a number from 0 on, not ${String(value)}`);
}

function positive(config: Record<string, unknown>, key: string): number {
  const value = config[key];
  if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0) {
    throw new Error(`config.json: ${key} must be a positive integer, not ${String(value)}`);
  }
  return value;
}
