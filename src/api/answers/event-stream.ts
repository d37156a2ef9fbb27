/** An answer sent as server-sent events while it grows. Only a complete one has the last event. */
import type { Context } from 'hono';
import { type SSEMessage, streamSSE } from 'hono/streaming';
import { ApiFailure, type ErrorBody, toWire } from '../errors.ts';

/** A client that takes nothing for so long has gone, even if nobody said so: the verifier's slot is freed. */
export const CLIENT_DEADLINE_MS = 10_000;

/** Sends one event; resolves when the client takes more. */
export type Send<Event extends object = object> = (data: Event) => Promise<void>;

export interface Streamed<Event extends object = object> {
  /** Sends every event. Must throw when `leave` was called before the end. */
  write(send: Send<Event>): Promise<void>;
  /** The client has gone, or seems to. */
  leave(): void;
  /** It is over, complete or not. */
  end(): void;
  /** A failure of `write` in the API's terms; what is none is handed back. */
  failure(error: unknown): unknown;
}

/** Events without a name, and `[DONE]` after the last one. */
export function eventStream(c: Context, streamed: Streamed): Response {
  return send(c, streamed, {
    encode: (data) => ({ data: JSON.stringify(data) }),
    encodeFailure: (body) => body,
    last: { data: '[DONE]' },
  });
}

/** Events named by their type and numbered, of which the last one says that it is: as /v1/responses has them. */
export function namedEventStream<Event extends { type: string }>(
  c: Context,
  streamed: Streamed<Event>,
): Response {
  let sequence_number = 0;
  return send<Event | NamedError>(c, streamed, {
    encode: (data) => ({
      event: data.type,
      data: JSON.stringify({ ...data, sequence_number: sequence_number++ }),
    }),
    // Flat, as the reference has it, and as the SDKs look for it.
    encodeFailure: ({ error }) => ({
      ...error,
      code: error.code ?? error.type,
      type: 'error',
      error,
    }),
    last: null,
  });
}

type NamedError = ErrorBody['error'] & ErrorBody & { type: 'error' };

interface EventForm<Event> {
  encode(data: Event): SSEMessage;
  encodeFailure(body: ErrorBody): Event;
  last: SSEMessage | null;
}

function send<Event extends object>(
  c: Context,
  { write, leave, end, failure }: Streamed<Event>,
  { encode, encodeFailure, last }: EventForm<Event>,
): Response {
  return streamSSE(c, async (stream) => {
    stream.onAbort(leave);
    async function sendMessage(message: SSEMessage): Promise<void> {
      const deadline = setTimeout(leave, CLIENT_DEADLINE_MS);
      try {
        await stream.writeSSE(message);
      } finally {
        clearTimeout(deadline);
      }
    }
    try {
      await write((data) => sendMessage(encode(data)));
      if (last) await sendMessage(last);
    } catch (error) {
      if (stream.aborted) return;
      // The status is out already: the failure goes where the text went.
      const known = failure(error);
      const { body } = toWire(known instanceof ApiFailure ? known.error : { kind: 'internal' });
      await sendMessage(encode(encodeFailure(body)));
      if (!(known instanceof ApiFailure)) throw known;
    } finally {
      end();
    }
  });
}
