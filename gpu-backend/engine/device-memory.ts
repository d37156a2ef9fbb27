/**
 * Memory that outlives the graphs that compute in it: weights that several of them read, and
 * keys and values. ONNX Runtime gives device memory only through a session, and lets nobody
 * but a graph write to it: here is a session of one operator that does both.
 */
import { GraphBuilder } from '../builder/onnx.ts';
import { type Binding, InferenceSession, type SessionOptions } from '../ort/inference-session.ts';
import { type Block, BYTES_PER_ELEMENT, type Device } from '../ort/tensor.ts';

export class DeviceMemory {
  readonly device: Device;
  /** What it is written in: WebGPU has no bytes. */
  private readonly unit: 'uint8' | 'int32';
  private readonly session: InferenceSession;
  private readonly binding: Binding;

  private constructor(session: InferenceSession, unit: 'uint8' | 'int32') {
    this.session = session;
    this.unit = unit;
    this.device = session.device;
    this.binding = session.bind();
  }

  static async open(options: SessionOptions): Promise<DeviceMemory> {
    const unit = options.webgpu ? 'int32' : 'uint8';
    const graph = new GraphBuilder('write');
    graph.input('from', unit, ['N']);
    graph.node('Identity', ['from'], 'to');
    graph.output('to', unit, ['N']);
    return new DeviceMemory(await InferenceSession.load(graph.encode(), '', options), unit);
  }

  /** Whether a block can be written in parts. WebGPU's are handles. */
  get inParts(): boolean {
    return this.device.name !== 'webgpu';
  }

  /** A block's size for so many bytes: whole units. */
  sizeFor(bytes: number): number {
    const unit = BYTES_PER_ELEMENT[this.unit];
    return Math.ceil(bytes / unit) * unit;
  }

  /** Copies the first `bytes` of `source`, whole units, wherever it lies, to `target` from `offset` on. */
  async write(source: Block, target: Block, offset: number, bytes: number): Promise<void> {
    const shape = [bytes / BYTES_PER_ELEMENT[this.unit]];
    const from = source.tensor(this.unit, shape);
    const to = target.tensor(this.unit, shape, offset);
    try {
      this.binding.input('from', from);
      this.binding.output('to', to);
      await this.session.run(this.binding);
    } finally {
      from.release();
      to.release();
    }
  }

  /** After everything that was made from it. */
  release(): void {
    this.binding.release();
    this.session.release();
  }
}
