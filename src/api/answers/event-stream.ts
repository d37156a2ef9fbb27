/** An answer sent as server-sent events, as it grows: their end comes only behind a whole one. */
import type { Context } from 'hono';
import { type SSEMessage, streamSSE } from 'hono/streaming';
import { ApiFailure, type ErrorBody, toWire } from '../errors.ts';

/** A client that takes nothing for so long has gone, even if nobody said so: the verifier's slot is freed. */
export const CLIENT_DEADLINE_MS = 10_000;

/** Sends one event; resolves when the client takes more. */
export type Send<Event extends object = object> = (data: Event) => Promise<void>;

export interface Streamed<Event extends object = object> {
  /** Sends all there is to say. Must throw when `leave` was called before that. */
  say(send: Send<Event>): Promise<void>;
  /** The client has gone, or seems to. */
  leave(): void;
  /** Said or not, it is over. */
  end(): void;
  /** A failure of `say` in the API's terms; what is none is handed back. */
  failure(error: unknown): unknown;
}

/** Events without a name, and `[DONE]` behind the last one. */
export function eventStream(c: Context, streamed: Streamed): Response {
  return sent(c, streamed, {
    write: (data) => ({ data: JSON.stringify(data) }),
    failed: (body) => body,
    last: { data: '[DONE]' },
  });
}

/** Events named by their type and numbered, of which the last one says that it is: as /v1/responses has them. */
export function namedEventStream<Event extends { type: string }>(
  c: Context,
  streamed: Streamed<Event>,
): Response {
  let sequence_number = 0;
  return sent<Event | NamedError>(c, streamed, {
    write: (data) => ({
      event: data.type,
      data: JSON.stringify({ ...data, sequence_number: sequence_number++ }),
    }),
    // Flat, as the reference has it, and as the SDKs look for it.
    failed: ({ error }) => ({ ...error, code: error.code ?? error.type, type: 'error', error }),
    last: null,
  });
}

type NamedError = ErrorBody['error'] & ErrorBody & { type: 'error' };

interface Form<Event> {
  write(data: Event): SSEMessage;
  failed(body: ErrorBody): Event;
  last: SSEMessage | null;
}

function sent<Event extends object>(
  c: Context,
  { say, leave, end, failure }: Streamed<Event>,
  { write, failed, last }: Form<Event>,
): Response {
  return streamSSE(c, async (stream) => {
    stream.onAbort(leave);
    async function send(message: SSEMessage): Promise<void> {
      const deadline = setTimeout(leave, CLIENT_DEADLINE_MS);
      try {
        await stream.writeSSE(message);
      } finally {
        clearTimeout(deadline);
      }
    }
    try {
      await say((data) => send(write(data)));
      if (last) await send(last);
    } catch (error) {
      if (stream.aborted) return;
      // The status is out already: the failure goes where the text went.
      const told = failure(error);
      const { body } = toWire(told instanceof ApiFailure ? told.error : { kind: 'internal' });
      await send(write(failed(body)));
      if (!(told instanceof ApiFailure)) throw told;
    } finally {
      end();
    }
  });
}
