/**
 * The body of an answer that grows. It is a stream of the runtime's own: where a
 * client leaves while a chunk of a stream made in JavaScript is being sent, workerd
 * ends neither that chunk's write nor the stream (2 to 7 of 100 such clients).
 */

/** A client that takes nothing for so long has gone, even if nobody said so: the verifier's slot is freed. */
export const CLIENT_DEADLINE_MS = 10_000;

/** The workers' runtime's own; Node, where some tests run, has no name for it. */
declare const IdentityTransformStream: new () => TransformStream<Uint8Array, Uint8Array>;

export class ClientStream {
  readonly readable: ReadableStream<Uint8Array>;
  /** Nothing can be sent any more. */
  gone = false;
  private readonly writer: WritableStreamDefaultWriter<Uint8Array>;
  private readonly encoder = new TextEncoder();
  private readonly leave: () => void;

  /** @param leave called when the client has gone, or seems to; more than once where it seemed to before */
  constructor(leave: () => void) {
    const { readable, writable } = new IdentityTransformStream();
    this.readable = readable;
    this.leave = leave;
    this.writer = writable.getWriter();
    this.writer.closed.catch(() => this.lose());
  }

  /** Resolves when the client takes more; throws once it has gone. */
  write(text: string): Promise<void> {
    return this.writeBytes(this.encoder.encode(text));
  }

  async writeBytes(bytes: Uint8Array): Promise<void> {
    const deadline = setTimeout(this.leave, CLIENT_DEADLINE_MS);
    try {
      await this.writer.write(bytes);
    } catch (cause) {
      this.lose();
      throw cause;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** All was sent, or all that could be. */
  async close(): Promise<void> {
    await this.writer.close().catch(() => {});
  }

  private lose(): void {
    if (this.gone) return;
    this.gone = true;
    this.leave();
  }
}

/** The rest of a stream for a client who may take her time; `sent` is over when she has taken all, or has gone. */
export function passOn(stream: ReadableStream<Uint8Array>): {
  readable: ReadableStream<Uint8Array>;
  sent: Promise<void>;
} {
  const client = new ClientStream(() => {});
  async function pump(): Promise<void> {
    try {
      for await (const bytes of stream) await client.writeBytes(bytes);
    } catch (cause) {
      if (!client.gone) console.error(cause);
    } finally {
      await client.close();
    }
  }
  return { readable: client.readable, sent: pump() };
}
