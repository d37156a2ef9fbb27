/**
 * Moves rows of keys and values: within a slot when a branch is committed, into
 * another slot when a prompt shares its beginning with one that lies there. In
 * host memory a copy is made at once; on a device it is queued and made before the
 * next step: a branch by one run of a graph, whatever its rows, rows that stay
 * together by a graph of Identity operators.
 */
import { GraphBuilder } from '../builder/onnx.ts';
import { type Binding, InferenceSession, type SessionOptions } from '../ort/inference-session.ts';
import { Block, BYTES_PER_ELEMENT, cpuDevice, type Tensor } from '../ort/tensor.ts';
import type { DeviceMemory } from './device-memory.ts';
import type { KvPlace, KvPool, KvShape } from './kv-pool.ts';
import { isSlot, Move, movesOf, RowMover } from './row-mover.ts';

export interface KvCopier {
  copy(from: KvPlace, to: KvPlace, count: number): void;
  /**
   * Zeroes rows. Attention reads whole tensors: a masked value has weight 0, but 0
   * times whatever fresh memory holds may still be NaN.
   */
  clear(at: KvPlace, count: number): void;
  /** Resolves when every copy asked for has been made. */
  flush(): Promise<void>;
  release(): void;
}

export class HostCopier implements KvCopier {
  private readonly bytes = new WeakMap<KvPool, readonly Uint8Array[]>();

  copy(from: KvPlace, to: KvPlace, count: number): void {
    const sources = this.bytesOf(from.pool);
    const targets = this.bytesOf(to.pool);
    const start = from.pool.offset(from.slot, from.token);
    const end = from.pool.offset(from.slot, from.token + count);
    const target = to.pool.offset(to.slot, to.token);
    for (let i = 0; i < sources.length; i++) {
      targets[i]!.set(sources[i]!.subarray(start, end), target);
    }
  }

  clear({ pool, slot, token }: KvPlace, count: number): void {
    for (const bytes of this.bytesOf(pool)) {
      bytes.fill(0, pool.offset(slot, token), pool.offset(slot, token + count));
    }
  }

  async flush(): Promise<void> {}

  release(): void {}

  private bytesOf(pool: KvPool): readonly Uint8Array[] {
    let bytes = this.bytes.get(pool);
    if (!bytes) {
      bytes = pool.blocks.map((block) => new Uint8Array(block.buffer));
      this.bytes.set(pool, bytes);
    }
    return bytes;
  }
}

/** Rows that are zeroed at once. */
const ZERO_ROWS = 256;

/** Rows that stay together, into another slot. */
interface Transfer {
  /** null for zeroes. */
  from: KvPlace | null;
  to: KvPlace;
  count: number;
}

export class DeviceCopier implements KvCopier {
  private readonly session: InferenceSession;
  private readonly binding: Binding;
  private readonly shape: KvShape;
  /** `ZERO_ROWS` rows of zeroes, on the device. */
  private readonly zeroes: Block;
  private readonly mover: RowMover;
  private readonly queue: (Transfer | Move)[] = [];

  private constructor(session: InferenceSession, shape: KvShape, zeroes: Block, mover: RowMover) {
    this.mover = mover;
    this.session = session;
    this.shape = shape;
    this.zeroes = zeroes;
    this.binding = session.bind();
  }

  /** @param memory of the device that the session will run on */
  static async load(
    shape: KvShape,
    memory: DeviceMemory,
    options: SessionOptions,
  ): Promise<DeviceCopier> {
    const graph = new GraphBuilder('copy');
    for (let block = 0; block < 2 * shape.layers; block++) {
      graph.input(`from.${block}`, shape.type, [1, 'N', shape.width]);
      graph.node('Identity', [`from.${block}`], `to.${block}`);
      graph.output(`to.${block}`, shape.type, [1, 'N', shape.width]);
    }
    const session = await InferenceSession.load(graph.encode(), '', options);
    const mover = await RowMover.load(shape, options);
    return new DeviceCopier(session, shape, await zeroRows(shape, memory), mover);
  }

  copy(from: KvPlace, to: KvPlace, count: number): void {
    if (!isSlot(from, to)) {
      this.queue.push({ from, to, count });
      return;
    }
    const last = this.queue.at(-1);
    this.queue.push(...movesOf(from, to, count, last instanceof Move ? last : undefined));
  }

  clear(at: KvPlace, count: number): void {
    for (let done = 0; done < count; done += ZERO_ROWS) {
      const to = { ...at, token: at.token + done };
      this.queue.push({ from: null, to, count: Math.min(ZERO_ROWS, count - done) });
    }
  }

  async flush(): Promise<void> {
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      if (next instanceof Move) await this.mover.run(next);
      else await (next.from ? this.transfer(next.from, next) : this.zero(next));
    }
  }

  release(): void {
    this.binding.release();
    this.session.release();
    this.mover.release();
    this.zeroes.release();
  }

  private async transfer(from: KvPlace, { to, count }: Transfer): Promise<void> {
    const sources = this.tensors(from, count);
    try {
      await this.run(sources, to, count);
    } finally {
      for (const tensor of sources) tensor.release();
    }
  }

  private async zero({ to, count }: Transfer): Promise<void> {
    const { type, width } = this.shape;
    const tensor = this.zeroes.tensor(type, [1, count, width]);
    try {
      await this.run(Array<Tensor>(2 * this.shape.layers).fill(tensor), to, count);
    } finally {
      tensor.release();
    }
  }

  private async run(sources: readonly Tensor[], to: KvPlace, count: number): Promise<void> {
    const targets = this.tensors(to, count);
    try {
      for (let i = 0; i < targets.length; i++) {
        this.binding.input(`from.${i}`, sources[i]!);
        this.binding.output(`to.${i}`, targets[i]!);
      }
      await this.session.run(this.binding);
    } finally {
      for (const tensor of targets) tensor.release();
    }
  }

  /** The rows in each block, [1, count, width]. */
  private tensors({ pool, slot, token }: KvPlace, count: number): Tensor[] {
    const { type, width } = this.shape;
    return pool.blocks.map((block) =>
      block.tensor(type, [1, count, width], pool.offset(slot, token)),
    );
  }
}

async function zeroRows({ type, width }: KvShape, memory: DeviceMemory): Promise<Block> {
  const bytes = ZERO_ROWS * width * BYTES_PER_ELEMENT[type];
  const host = new Block(cpuDevice(), bytes);
  new Uint8Array(host.buffer).fill(0);
  const zeroes = new Block(memory.device, bytes);
  await memory.write(host, zeroes, 0, bytes);
  host.release();
  return zeroes;
}
