/**
 * Rotary position embedding (Su et al. 2021): the angle of dimension pair i at
 * position p is p · frequency[i]. Checkpoints that were stretched to longer
 * contexts scale the frequencies.
 */
import { UnsupportedModelError } from './unsupported.ts';

export interface Rope {
  theta: number;
  scaling: RopeScaling;
}

type RopeScaling =
  | { type: 'default' }
  | { type: 'linear'; factor: number }
  /** Each frequency divided by its own number, as GGUF files of Llama 3.1 and later have it. */
  | { type: 'divisors'; divisors: readonly number[] }
  | {
      type: 'llama3';
      factor: number;
      lowFrequencyFactor: number;
      highFrequencyFactor: number;
      originalContext: number;
    };

const DEFAULT_THETA = 10_000;

/** Reads `rope_parameters` (transformers 5) or `rope_theta` + `rope_scaling` (before). */
export function parseRope(config: Record<string, unknown>): Rope {
  const parameters = (config.rope_parameters ?? config.rope_scaling ?? {}) as Record<
    string,
    unknown
  >;
  const theta = Number(parameters.rope_theta ?? config.rope_theta ?? DEFAULT_THETA);
  const type = String(parameters.rope_type ?? parameters.type ?? 'default');
  const partial = Number(parameters.partial_rotary_factor ?? config.partial_rotary_factor ?? 1);
  if (partial !== 1) throw new UnsupportedModelError(`partial_rotary_factor ${partial}`, '1');
  return { theta, scaling: parseScaling(type, parameters) };
}

function parseScaling(type: string, parameters: Record<string, unknown>): RopeScaling {
  const number = (key: string) => {
    const value = parameters[key];
    if (typeof value !== 'number' || !(value > 0)) {
      throw new Error(`config.json: rope type ${type} needs ${key}`);
    }
    return value;
  };
  switch (type) {
    case 'default':
      return { type };
    case 'linear':
      return { type, factor: number('factor') };
    case 'divisors':
      return { type, divisors: parameters.divisors as number[] };
    case 'llama3':
      return {
        type,
        factor: number('factor'),
        lowFrequencyFactor: number('low_freq_factor'),
        highFrequencyFactor: number('high_freq_factor'),
        originalContext: number('original_max_position_embeddings'),
      };
    default:
      throw new UnsupportedModelError(`rope scaling "${type}"`, 'default, linear, llama3');
  }
}

/** Radians per position for each of the headDim/2 dimension pairs. */
export function ropeFrequencies(rope: Rope, headDim: number): Float64Array {
  const { theta, scaling } = rope;
  return Float64Array.from({ length: headDim / 2 }, (_, pair) => {
    const frequency = theta ** ((-2 * pair) / headDim);
    if (scaling.type === 'default') return frequency;
    if (scaling.type === 'linear') return frequency / scaling.factor;
    if (scaling.type === 'divisors') return frequency / scaling.divisors[pair]!;
    // Llama 3.1: long wavelengths are stretched whole, short ones not at all, those between blended.
    const turns = (scaling.originalContext * frequency) / (2 * Math.PI);
    const { lowFrequencyFactor: low, highFrequencyFactor: high } = scaling;
    const keep = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return frequency * (keep + (1 - keep) / scaling.factor);
  });
}

/** cos and sin of every angle, each `[positions, headDim / 2]`. */
export function ropeTables(
  rope: Rope,
  headDim: number,
  positions: number,
): { cos: Float32Array; sin: Float32Array } {
  const frequencies = ropeFrequencies(rope, headDim);
  const pairs = frequencies.length;
  const cos = new Float32Array(positions * pairs);
  const sin = new Float32Array(positions * pairs);
  for (let position = 0; position < positions; position++) {
    for (let pair = 0; pair < pairs; pair++) {
      // transformers computes angles in float32; so does this, to agree at large positions.
      const angle = Math.fround(position * Math.fround(frequencies[pair]!));
      cos[position * pairs + pair] = Math.cos(angle);
      sin[position * pairs + pair] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
