/**
 * A TCP proxy that holds every byte back for half a round trip, each way, and
 * does to a connection what networks do: tamper, freeze, cut.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Who sends: the one who connected, or the one behind the proxy. */
export type Side = 'near' | 'far';

/** What becomes of some bytes on their way; an empty list loses them. */
export type Tap = (bytes: Buffer, from: Side) => Buffer[];

const pass: Tap = (bytes) => [bytes];

export class TcpProxy {
  readonly port: number;
  /** Holds for what is sent from now on. */
  rttMs = 0;
  tap: Tap = pass;
  /** Nothing moves any more, and nobody is told; connections stay open. */
  frozen = false;
  private readonly server;
  private readonly sockets = new Set<Socket>();

  /** In front of `targetPort` of this machine, on a free port. */
  static async start(targetPort: number): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TcpProxy(server, targetPort);
  }

  private constructor(server: ReturnType<typeof createServer>, targetPort: number) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (near) => {
      const far = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true });
      this.join(near, far, 'near');
      this.join(far, near, 'far');
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Breaks every connection. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(from: Socket, to: Socket, side: Side): void {
    this.sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (bytes) => {
      for (const some of this.tap(bytes, side)) {
        this.later(() => {
          if (to.writable) to.write(some);
        });
      }
    });
    from.on('end', () => this.later(() => to.end()));
    from.on('error', () => this.later(() => to.destroy()));
    from.on('close', () => {
      this.sockets.delete(from);
      this.later(() => to.destroy());
    });
  }

  private later(task: () => void): void {
    const due = () => {
      if (!this.frozen) task();
    };
    if (this.rttMs === 0) due();
    else setTimeout(due, this.rttMs / 2);
  }
}
