/**
 * Memory that outlives the graphs that compute in it: weights that several of them read, and
 * keys and values. ONNX Runtime gives device memory only through a session, and lets nobody
 * but a graph write to it: here is a session of one operator that does both.
 */
import { GraphBuilder } from '../builder/onnx.ts';
import { type Binding, InferenceSession, type SessionOptions } from '../ort/inference-session.ts';
import type { Block, Device } from '../ort/tensor.ts';

export class DeviceMemory {
  readonly device: Device;
  private readonly session: InferenceSession;
  private readonly binding: Binding;

  private constructor(session: InferenceSession) {
    this.session = session;
    this.device = session.device;
    this.binding = session.bind();
  }

  static async open(options: SessionOptions): Promise<DeviceMemory> {
    const graph = new GraphBuilder('write');
    graph.input('from', 'uint8', ['N']);
    graph.node('Identity', ['from'], 'to');
    graph.output('to', 'uint8', ['N']);
    return new DeviceMemory(await InferenceSession.load(graph.encode(), '', options));
  }

  /** Copies the first `bytes` of `source`, wherever it lies, to `target` from `offset` on. */
  async write(source: Block, target: Block, offset: number, bytes: number): Promise<void> {
    const from = source.tensor('uint8', [bytes]);
    const to = target.tensor('uint8', [bytes], offset);
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
