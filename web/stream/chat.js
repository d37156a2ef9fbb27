/**
 * One streamed chat completion: the request out, its chunks in.
 *
 * @typedef {import('./types.d.ts').ChatRequest} ChatRequest
 * @typedef {import('./types.d.ts').ChatChunk} ChatChunk
 */
import { authorization } from '../key.js';
import { EventStreamParser } from './sse.js';

export const CHAT_PATH = '/v1/chat/completions';

/** How much of a reply that is not JSON is worth showing. */
const MAX_SHOWN_BODY_CHARS = 300;

/**
 * Why there is no (more) answer. `refused`: the server said no before the first
 * byte. `failed`: it said so in mid-stream. `cut`: the stream ended without
 * saying anything. `unreachable`: no reply at all.
 *
 * @typedef {'refused' | 'failed' | 'cut' | 'unreachable'} FailureKind
 * @typedef {{ status?: number, type?: string | null, code?: string | null, param?: string | null, retryAfter?: string | null }} FailureDetail
 */
export class ChatFailure extends Error {
  /**
   * @param {FailureKind} kind
   * @param {string} message what the server said, where it said something
   * @param {FailureDetail} [detail]
   */
  constructor(kind, message, detail = {}) {
    super(message);
    this.name = 'ChatFailure';
    this.kind = kind;
    this.detail = detail;
  }
}

/**
 * Yields the chunks of one answer and returns after `[DONE]`. Leaving the loop
 * early, or aborting the signal, closes the connection, which frees the session.
 *
 * @param {ChatRequest} request
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<ChatChunk, void, void>}
 * @throws {ChatFailure} and the signal's AbortError
 */
export async function* streamChat(request, signal) {
  const response = await send(request, signal);
  if (!response.ok) throw await refusal(response);
  if (!response.body) throw new ChatFailure('cut', 'The server sent an empty reply.');

  /** @type {string[]} */
  const events = [];
  const parser = new EventStreamParser(({ data }) => events.push(data));
  const reader = response.body.getReader();
  try {
    while (true) {
      const { value, done } = await read(reader, signal);
      if (done) break;
      parser.push(value);
      for (const data of events.splice(0)) {
        if (data === '[DONE]') return;
        yield parseChunk(data);
      }
    }
  } finally {
    // Nothing to report if the connection is already gone.
    await reader.cancel().catch(() => {});
  }
  throw new ChatFailure('cut', 'The connection closed before the answer was complete.');
}

/** @param {ChatRequest} request @param {AbortSignal} signal */
async function send(request, signal) {
  try {
    return await fetch(CHAT_PATH, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization() },
      body: JSON.stringify(request),
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ChatFailure('unreachable', `No reply from ${location.origin}.`);
  }
}

/** @param {ReadableStreamDefaultReader<Uint8Array>} reader @param {AbortSignal} signal */
async function read(reader, signal) {
  try {
    return await reader.read();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ChatFailure('cut', 'The connection broke before the answer was complete.');
  }
}

/** @param {string} data @returns {ChatChunk} */
function parseChunk(data) {
  /** @type {ChatChunk & { error?: ErrorBody }} */
  let chunk;
  try {
    chunk = JSON.parse(data);
  } catch {
    throw new ChatFailure(
      'failed',
      `The server sent an event that is not JSON: ${data.slice(0, MAX_SHOWN_BODY_CHARS)}`,
    );
  }
  if (chunk.error) {
    const { message, type, code, param } = chunk.error;
    throw new ChatFailure('failed', message ?? 'The server gave no reason.', { type, code, param });
  }
  return chunk;
}

/** @typedef {{ message?: string, type?: string | null, code?: string | null, param?: string | null }} ErrorBody */

/** @param {Response} response */
async function refusal(response) {
  const body = await response.text().catch(() => '');
  const detail = { status: response.status, retryAfter: response.headers.get('retry-after') };
  try {
    /** @type {ErrorBody | undefined} */
    const error = JSON.parse(body).error;
    if (error?.message) {
      const { message, type, code, param } = error;
      return new ChatFailure('refused', message, { ...detail, type, code, param });
    }
  } catch {
    // A proxy's page or plain text: shown as it is.
  }
  const shown = body.trim().slice(0, MAX_SHOWN_BODY_CHARS);
  return new ChatFailure('refused', shown || response.statusText || 'No reason given.', detail);
}
