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

/** What is read of them; any other option would be left out of what is computed. */
const OPTIONS = new Set([
  'rope_type',
  'type',
  'rope_theta',
  'partial_rotary_factor',
  'factor',
  'low_freq_factor',
  'high_freq_factor',
  'original_max_position_embeddings',
  'divisors',
]);

/** Reads `rope_parameters` (transformers 5) or `rope_theta` + `rope_scaling` (before). */
export function parseRope(config: Record<string, unknown>): Rope {
  const parameters = optionsOf(config);
  const theta = parameters.rope_theta ?? config.rope_theta ?? DEFAULT_THETA;
  if (!isPositive(theta)) {
    throw new Error(`config.json: rope_theta must be a number above 0, not ${String(theta)}`);
  }
  const partial = parameters.partial_rotary_factor ?? config.partial_rotary_factor ?? 1;
  if (partial !== 1) throw new UnsupportedModelError(`partial_rotary_factor ${partial}`, '1');
  const type = parameters.rope_type ?? parameters.type;
  if (type == null && parameters.factor != null) {
    throw new Error(`config.json: rope is scaled by ${parameters.factor} but names no rope_type`);
  }
  const scaling = parseScaling(String(type ?? 'default'), parameters);
  refuseOthers(parameters);
  return { theta, scaling };
}

function optionsOf({ rope_parameters: own, rope_scaling: scaling }: Record<string, unknown>) {
  if (own != null && scaling != null && JSON.stringify(own) !== JSON.stringify(scaling)) {
    throw new UnsupportedModelError('rope_scaling beside rope_parameters', 'one of the two');
  }
  const options = own ?? scaling ?? {};
  if (typeof options !== 'object') {
    throw new Error(`config.json: rope options must be an object, not ${String(options)}`);
  }
  return options as Record<string, unknown>;
}

function refuseOthers(options: Record<string, unknown>): void {
  const other = Object.keys(options).find((name) => options[name] != null && !OPTIONS.has(name));
  if (!other) return;
  throw new UnsupportedModelError(`rope option "${other}"`, [...OPTIONS].join(', '));
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY;
}

function parseScaling(type: string, parameters: Record<string, unknown>): RopeScaling {
  const number = (key: string) => {
    const value = parameters[key];
    if (!isPositive(value)) throw new Error(`config.json: rope type ${type} needs ${key}`);
    return value;
  };
  switch (type) {
    case 'default':
      return { type };
    case 'linear':
      return { type, factor: number('factor') };
    case 'divisors': {
      const divisors = parameters.divisors as number[];
      if (divisors.every(isPositive)) return { type, divisors };
      throw new Error('divisors of rope frequencies (rope_freqs) must be numbers above 0');
    }
    case 'llama3': {
      const factor = number('factor');
      const [low, high] = [number('low_freq_factor'), number('high_freq_factor')];
      if (low >= high) {
        throw new Error(`config.json: low_freq_factor ${low} must be below high_freq_factor`);
      }
      return {
        type,
        factor,
        lowFrequencyFactor: low,
        highFrequencyFactor: high,
        originalContext: number('original_max_position_embeddings'),
      };
    }
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
