/**
 * Where a graph was told that its inputs and logits lie: there must be a step's own tokens, places
 * and mask when it is replayed, and from there a row of logits must come.
 */
import type { ComputeType } from '../../gpu-backend/builder/tensor-reader.ts';
import type { StepRow } from '../../gpu-backend/engine/engine.ts';
import { CudaRuntime } from '../../gpu-backend/ort/cuda-runtime.ts';
import { Binding } from '../../gpu-backend/ort/inference-session.ts';
import { Block, BYTES_PER_ELEMENT, cpuDevice, type Tensor } from '../../gpu-backend/ort/tensor.ts';

const BYTES_PER_INT64 = 8;

export class ReplayWatch {
  /** What was bound last, by name: a replay binds nothing. */
  private readonly bound = new Map<string, Tensor>();
  private readonly maskType: ComputeType;

  constructor(maskType: ComputeType) {
    this.maskType = maskType;
    const { bound } = this;
    for (const side of ['input', 'output'] as const) {
      const bind = Binding.prototype[side];
      Binding.prototype[side] = function (this: Binding, name, tensor) {
        bound.set(name, tensor);
        bind.call(this, name, tensor);
      };
    }
  }

  /** Puts a number where row `at` of the step's logits begins on the device: no kernel did. */
  writeLogit(at: number, vocabSize: number, value: number): void {
    const block = new Block(cpuDevice(), BYTES_PER_ELEMENT.float32);
    new Float32Array(block.buffer)[0] = value;
    const to = this.bound.get('logits')!.address + BigInt(at * vocabSize * block.bytes);
    new CudaRuntime(0).copy({ to, from: block.address, bytes: block.bytes });
    block.release();
  }

  /** Inputs that are not those of `rows`, each session's tree, in slots that follow each other. */
  stale(rows: readonly StepRow[]): string[] {
    const expected: Record<string, readonly number[]> = {
      input_ids: rows.flatMap(({ tokens }) => [...tokens]),
      position_ids: rows.flatMap(({ slot, parents }) =>
        depthsOf(parents).map((depth) => slot.length + depth),
      ),
      'write.0': rows.map(({ slot }) => slot.length),
      'length.0': rows.map(({ slot, count }) => slot.length + count),
    };
    const wrong = Object.entries(expected).filter(([name, values]) => {
      const found = new BigInt64Array(this.read(name, BYTES_PER_INT64));
      return values.some((value, i) => found[i] !== BigInt(value));
    });
    const names = wrong.map(([name]) => name);
    return this.masks(rows) ? names : [...names, 'mask.0'];
  }

  /** Whether each row sees the committed context, its ancestors and itself, and nothing else. */
  private masks(rows: readonly StepRow[]): boolean {
    const [count = 0, width = 0] = this.bound.get('mask.0')!.shape.slice(2);
    const bytes = this.read('mask.0', BYTES_PER_ELEMENT[this.maskType]);
    const masks = this.maskType === 'float16' ? new Uint16Array(bytes) : new Float32Array(bytes);
    return rows.every(({ slot, parents }, session) =>
      parents.every((_, row) => {
        const seen = new Set<number>();
        for (let at = row; at >= 0; at = parents[at]!) seen.add(slot.length + at);
        const start = (session * count + row) * width;
        return [...masks.subarray(start, start + width)].every(
          (value, column) => (value === 0) === (column < slot.length || seen.has(column)),
        );
      }),
    );
  }

  private read(name: string, size: number): ArrayBuffer {
    const { address, shape } = this.bound.get(name)!;
    const bytes = shape.reduce((product, dimension) => product * dimension, size);
    const block = new Block(cpuDevice(), bytes);
    new CudaRuntime(0).copy({ to: block.address, from: address, bytes });
    const copy = block.buffer.slice(0);
    block.release();
    return copy;
  }
}

function depthsOf(parents: Int16Array): number[] {
  const depths: number[] = [];
  for (const parent of parents) depths.push(parent < 0 ? 0 : depths[parent]! + 1);
  return depths;
}
