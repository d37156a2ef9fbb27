/** An answer sent as server-sent events, as it grows: `[DONE]` comes only behind a whole one. */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { ApiFailure, toWire } from './errors.ts';

/** A client that takes nothing for so long has gone, even if nobody said so: the verifier's slot is freed. */
export const CLIENT_DEADLINE_MS = 10_000;

/** Sends one event; resolves when the client takes more. */
export type Send = (data: object) => Promise<void>;

export interface Streamed {
  /** Sends all there is to say. Must throw when `leave` was called before that. */
  say(send: Send): Promise<void>;
  /** The client has gone, or seems to. */
  leave(): void;
  /** Said or not, it is over. */
  end(): void;
  /** A failure of `say` in the API's terms; what is none is handed back. */
  failure(error: unknown): unknown;
}

export function eventStream(c: Context, { say, leave, end, failure }: Streamed): Response {
  return streamSSE(c, async (stream) => {
    stream.onAbort(leave);
    async function write(data: string): Promise<void> {
      const deadline = setTimeout(leave, CLIENT_DEADLINE_MS);
      try {
        await stream.writeSSE({ data });
      } finally {
        clearTimeout(deadline);
      }
    }
    try {
      await say((data) => write(JSON.stringify(data)));
      await write('[DONE]');
    } catch (error) {
      if (stream.aborted) return;
      // The status is out already: the failure goes where the text went.
      const failed = failure(error);
      const { body } = toWire(failed instanceof ApiFailure ? failed.error : { kind: 'internal' });
      await write(JSON.stringify(body));
      if (!(failed instanceof ApiFailure)) throw failed;
    } finally {
      end();
    }
  });
}
