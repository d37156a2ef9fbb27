/** An answer sent as server-sent events while it grows. Only a complete one has the last event. */
import type { Context } from 'hono';
import type { AppEnv } from '../context.ts';
import { ApiFailure, type ErrorBody, toWire } from '../errors.ts';
import { ClientStream } from './client-stream.ts';

/** Sends one event; resolves when the client takes more. */
export type Send<Event extends object = object> = (data: Event) => Promise<void>;

export interface Streamed<Event extends object = object> {
  /** Sends every event. Must throw when `leave` was called before the end. */
  write(send: Send<Event>): Promise<void>;
  /** The client has gone, or seems to. May be called more than once. */
  leave(): void;
  /** It is over, complete or not. */
  end(): void;
  /** A failure of `write` in the API's terms; what is none is handed back. */
  failure(error: unknown): unknown;
}

/** Events without a name, and `[DONE]` after the last one. */
export function eventStream(c: Context<AppEnv>, streamed: Streamed): Response {
  return send(c, streamed, {
    encode: (data) => ({ data: JSON.stringify(data) }),
    encodeFailure: (body) => body,
    last: { data: '[DONE]' },
  });
}

/** Events named by their type and numbered, of which the last one says that it is: as /v1/responses has them. */
export function namedEventStream<Event extends { type: string }>(
  c: Context<AppEnv>,
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

/** One event of the wire. */
interface WireEvent {
  event?: string;
  /** Without line breaks. */
  data: string;
}

interface EventForm<Event> {
  encode(data: Event): WireEvent;
  encodeFailure(body: ErrorBody): Event;
  last: WireEvent | null;
}

function send<Event extends object>(
  c: Context<AppEnv>,
  streamed: Streamed<Event>,
  form: EventForm<Event>,
): Response {
  const client = new ClientStream(streamed.leave);
  c.set('sent', run(client, streamed, form));
  c.header('content-type', 'text/event-stream');
  c.header('cache-control', 'no-cache');
  return c.newResponse(client.readable);
}

async function run<Event extends object>(
  client: ClientStream,
  { write, end, failure }: Streamed<Event>,
  { encode, encodeFailure, last }: EventForm<Event>,
): Promise<void> {
  const send = (event: WireEvent) => client.write(encoded(event));
  try {
    await write((data) => send(encode(data)));
    if (last) await send(last);
  } catch (error) {
    if (client.gone) return;
    // The status is out already: the failure goes where the text went.
    const known = failure(error);
    const { body } = toWire(known instanceof ApiFailure ? known.error : { kind: 'internal' });
    // A client that leaves now has missed nothing.
    await send(encode(encodeFailure(body))).catch(() => {});
    if (!(known instanceof ApiFailure)) console.error(known);
  } finally {
    end();
    await client.close();
  }
}

function encoded({ event, data }: WireEvent): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`;
}
