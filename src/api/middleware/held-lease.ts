/** What a request counts for at its key's limiter, kept until its answer's last byte has been taken. */
import { LEASE_MS } from '../../meter/request-meter.ts';

export class HeldLease {
  private readonly renewal: ReturnType<typeof setInterval>;
  private readonly release: () => void;

  /** `renew` is called as often as a lease needs it, `release` once. */
  constructor(renew: () => void, release: () => void) {
    this.renewal = setInterval(renew, LEASE_MS / 2);
    this.release = release;
  }

  /** Gives it back now, or when all of a stream has been sent or its reader has gone: send what is returned. */
  untilSent(response: Response): Response {
    const { body } = response;
    if (body === null || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
      this.end();
      return response;
    }
    const reader = body.getReader();
    const watched = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const { value, done } = await reader.read();
          if (!done) return controller.enqueue(value);
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        this.end();
      },
      cancel: async (reason) => {
        this.end();
        await reader.cancel(reason);
      },
    });
    return new Response(watched, response);
  }

  private end(): void {
    clearInterval(this.renewal);
    this.release();
  }
}
