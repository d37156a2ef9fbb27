/**
 * A model of any shape with random weights, made on the spot in the form that the engine reads:
 * what is measured on it is arithmetic and time. Nothing is quantised: blocks are drawn as they lie.
 */
import { mkdirSync } from 'node:fs';
import type { DecoderConfig } from '../../gpu-backend/builder/config.ts';
import type { WeightLayout } from '../../gpu-backend/builder/convert.ts';
import { narrow, widen } from '../../gpu-backend/builder/float16.ts';
import { type BlockForm, blockParts } from '../../gpu-backend/builder/linear/blocks.ts';
import type { Initializer, StoredMatrix } from '../../gpu-backend/builder/linear/stored-matrix.ts';
import type { PreparedModel } from '../../gpu-backend/builder/prepare.ts';
import type { ComputeType } from '../../gpu-backend/builder/tensor-reader.ts';
import { WeightFile } from '../../gpu-backend/builder/weight-file.ts';
import { BYTES_PER_ELEMENT, type ElementTypeName } from '../../gpu-backend/ort/tensor.ts';
import { randomIntegers } from '../../test/engine/driver.ts';

type Shape = Pick<
  DecoderConfig,
  'hiddenSize' | 'intermediateSize' | 'layers' | 'heads' | 'kvHeads' | 'headDim' | 'vocabSize'
>;

/** Llama 3.1 8B's. */
export const EIGHT_BILLION: Shape = {
  hiddenSize: 4096,
  intermediateSize: 14_336,
  layers: 32,
  heads: 32,
  kvHeads: 8,
  headDim: 128,
  vocabSize: 128_256,
};
/** Small enough for a CPU to say what it computes. */
export const SMALL: Shape = {
  hiddenSize: 1024,
  intermediateSize: 2816,
  layers: 4,
  heads: 16,
  kvHeads: 4,
  headDim: 64,
  vocabSize: 8192,
};

const MAX_POSITIONS = 8192;
/** Of the values that are drawn; longer tensors repeat them. */
const DRAWN = 2 ** 22;
const ONE_IN_FLOAT16 = 0x3c00;
/** Levels of blocks are 0 to 15 around 8, or 0 to 255 around 128. */
const MIDDLE = { blocks4: 0x88, blocks8: 128 } as const;
const LEVEL_SPREAD = { blocks4: 4.6, blocks8: 74 } as const;

/** Into `folder`, a few gigabytes for a large shape. */
export function randomModel(
  folder: string,
  shape: Shape,
  compute: ComputeType,
  quantization: 'none' | 'int4',
): PreparedModel {
  mkdirSync(folder, { recursive: true });
  const config: DecoderConfig = {
    architecture: 'LlamaForCausalLM',
    ...shape,
    normEpsilon: 1e-5,
    rope: { theta: 500_000, scaling: { type: 'default' } },
    maxPositions: MAX_POSITIONS,
    tiedEmbeddings: false,
    queryKeyNorm: false,
    exits: [],
    biases: { queryKeyValue: false, output: false, mlp: false },
  };
  const writer = new RandomWeights(folder, compute, quantization);
  const layout = writer.write(shape);
  const fingerprints = { weights: '', tokenizer: '', template: '', model: '' };
  const manifest = {
    name: 'random',
    parameters: writer.parameters,
    maxContext: MAX_POSITIONS,
    trainedContext: MAX_POSITIONS,
  };
  return {
    model: { path: folder, manifest: { ...manifest, fingerprints }, config, eosIds: [] },
    folder,
    layout,
    quantization,
  };
}

class RandomWeights {
  parameters = 0;
  private readonly file: WeightFile;
  private readonly compute: ComputeType;
  private readonly quantized: boolean;
  /** Uniform in −1 to 1. */
  private readonly uniform: Float32Array;
  private readonly bytes: Uint8Array;
  private readonly pieces = new Map<string, Uint8Array>();

  constructor(folder: string, compute: ComputeType, quantization: 'none' | 'int4') {
    this.file = new WeightFile(folder, 'weights.bin');
    this.compute = compute;
    this.quantized = quantization === 'int4';
    const random = randomIntegers(11);
    this.uniform = Float32Array.from({ length: DRAWN }, () => random(2 ** 20) / 2 ** 19 - 1);
    this.bytes = Uint8Array.from({ length: DRAWN }, () => random(256));
  }

  write(shape: Shape): WeightLayout {
    const { hiddenSize, intermediateSize, layers, heads, kvHeads, headDim, vocabSize } = shape;
    const layout: WeightLayout = {
      compute: this.compute,
      rotated: false,
      vectors: {},
      matrices: {},
    };
    const norm = (name: string) => {
      layout.vectors[`${name}.weight`] = this.ones(hiddenSize);
    };
    const matrix = (name: string, out: number, inner: number, form: BlockForm = 'blocks4') => {
      this.parameters += out * inner;
      layout.matrices[`${name}.weight`] = this.matrix(form, [out, inner]);
    };
    matrix('model.embed_tokens', vocabSize, hiddenSize, 'blocks8');
    const table = layout.matrices['model.embed_tokens.weight']!;
    if (table.form !== 'dense') {
      const { values, ...parts } = table.parts;
      table.parts = { ...parts, rows: { ...values!, shape: table.shape } };
    }
    matrix('lm_head', vocabSize, hiddenSize, 'blocks8');
    norm('model.norm');
    for (let layer = 0; layer < layers; layer++) {
      const at = `model.layers.${layer}`;
      norm(`${at}.input_layernorm`);
      norm(`${at}.post_attention_layernorm`);
      const qkv = [heads, kvHeads, kvHeads].map((count) => count * headDim);
      if (this.quantized) {
        matrix(`${at}.self_attn.qkv_proj`, qkv[0]! + qkv[1]! + qkv[2]!, hiddenSize);
        matrix(`${at}.mlp.gate_up_proj`, 2 * intermediateSize, hiddenSize);
      } else {
        for (const [i, letter] of ['q', 'k', 'v'].entries()) {
          matrix(`${at}.self_attn.${letter}_proj`, qkv[i]!, hiddenSize);
        }
        matrix(`${at}.mlp.gate_proj`, intermediateSize, hiddenSize);
        matrix(`${at}.mlp.up_proj`, intermediateSize, hiddenSize);
      }
      matrix(`${at}.self_attn.o_proj`, hiddenSize, heads * headDim);
      matrix(`${at}.mlp.down_proj`, hiddenSize, intermediateSize);
    }
    this.file.close();
    return layout;
  }

  /** A spread that keeps sums of a row near 1. */
  private matrix(form: BlockForm, shape: [number, number]): StoredMatrix {
    const spread = Math.sqrt(3 / shape[1]);
    if (!this.quantized) {
      const drawn = this.drawn(`uniform ${spread}`, () =>
        this.computed(this.uniform.map((value) => value * spread)),
      );
      return { form: 'dense', shape, parts: { values: this.repeated(this.compute, shape, drawn) } };
    }
    const { values, scales, zeros } = blockParts(form, this.compute, shape);
    const scale = spread / LEVEL_SPREAD[form];
    const same = this.drawn(`same ${scale}`, () =>
      this.computed(new Float32Array(DRAWN).fill(scale)),
    );
    const parts: StoredMatrix['parts'] = {
      values: this.repeated(values.type, values.shape, this.bytes),
      scales: this.repeated(scales.type, scales.shape, same),
    };
    if (form === 'blocks4') {
      const middle = new Uint8Array(DRAWN).fill(MIDDLE[form]);
      parts.zeros = this.repeated(zeros.type, zeros.shape, middle);
    }
    return { form, shape, parts };
  }

  private ones(size: number): Initializer {
    const values =
      this.compute === 'float32'
        ? new Float32Array(size).fill(1)
        : new Uint16Array(size).fill(ONE_IN_FLOAT16);
    return this.repeated(this.compute, [size], new Uint8Array(values.buffer));
  }

  /** Of the type that is computed in. Both types come from the same numbers, so a CPU can check a GPU. */
  private computed(values: Float32Array): Uint8Array {
    const half = narrow(values);
    const typed = this.compute === 'float32' ? widen('F16', half) : half;
    return new Uint8Array(typed.buffer);
  }

  private drawn(name: string, make: () => Uint8Array): Uint8Array {
    const known = this.pieces.get(name) ?? make();
    this.pieces.set(name, known);
    return known;
  }

  private repeated(
    type: ElementTypeName,
    shape: readonly number[],
    drawn: Uint8Array,
  ): Initializer {
    const bytes = shape.reduce((product, size) => product * size, BYTES_PER_ELEMENT[type]);
    function* pieces() {
      for (let left = bytes; left > 0; left -= drawn.length) {
        yield left < drawn.length ? drawn.subarray(0, left) : drawn;
      }
    }
    return { type, shape, ...this.file.append(pieces()) };
  }
}
