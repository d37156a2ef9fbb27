/**
 * Server-sent events, parsed as the bytes come in (WHATWG HTML, "Interpreting an
 * event stream"). A chunk may end anywhere: inside a character, between CR and
 * LF, in the middle of a field name.
 *
 * `EventSource` would do this, but it can only GET and would reconnect, and a
 * question asked twice is two answers.
 *
 * @typedef {{ event: string, data: string }} ServerEvent
 */

/** Longest event in UTF-16 units. The first one carries every passage's text. */
export const MAX_EVENT_CHARS = 4 * 1024 * 1024;

const LF = 10;
const CR = 13;

export class EventStreamParser {
  // Also drops the one byte order mark that may open a stream.
  #decoder = new TextDecoder('utf-8');
  /** The line that has not ended yet. */
  #line = '';
  /** A CR ended the last chunk: a LF at the start of the next belongs to it. */
  #afterCarriageReturn = false;
  #event = '';
  /** @type {string[]} */
  #data = [];
  #dataChars = 0;
  /** @type {(event: ServerEvent) => void} */
  #dispatch;

  /** @param {(event: ServerEvent) => void} dispatch called for each event, in order, inside `push` */
  constructor(dispatch) {
    this.#dispatch = dispatch;
  }

  /**
   * O(bytes) for events that arrive whole; an event split over k chunks costs its
   * length once per chunk, since the unfinished line is joined to the next.
   *
   * @param {Uint8Array} bytes
   * @throws {RangeError} when one event passes MAX_EVENT_CHARS
   */
  push(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return;
    if (this.#afterCarriageReturn && text.charCodeAt(0) === LF) text = text.slice(1);
    this.#afterCarriageReturn = false;

    const buffer = this.#line + text;
    let start = 0;
    // What was pending holds no line end, or it would not be pending.
    for (let at = this.#line.length; at < buffer.length; at++) {
      const code = buffer.charCodeAt(at);
      if (code !== LF && code !== CR) continue;
      this.#endLine(buffer.slice(start, at));
      if (code === CR) {
        if (at + 1 === buffer.length) this.#afterCarriageReturn = true;
        else if (buffer.charCodeAt(at + 1) === LF) at++;
      }
      start = at + 1;
    }
    this.#line = buffer.slice(start);
    this.#checkSize(this.#line.length);
  }

  /** @param {string} line */
  #endLine(line) {
    if (line === '') {
      this.#endEvent();
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment, sent to keep the connection open
    const field = colon < 0 ? line : line.slice(0, colon);
    const valueStart = colon < 0 ? line.length : colon + (line[colon + 1] === ' ' ? 2 : 1);
    const value = line.slice(valueStart);
    if (field === 'data') {
      this.#checkSize(value.length);
      this.#data.push(value);
      this.#dataChars += value.length + 1;
    } else if (field === 'event') {
      this.#event = value;
    }
    // `id` and `retry` only matter to a client that reconnects.
  }

  #endEvent() {
    const event = this.#event || 'message';
    const data = this.#data;
    this.#event = '';
    this.#data = [];
    this.#dataChars = 0;
    if (data.length > 0) this.#dispatch({ event, data: data.join('\n') });
  }

  /** @param {number} more */
  #checkSize(more) {
    if (this.#dataChars + more > MAX_EVENT_CHARS) {
      throw new RangeError(
        `A server-sent event is longer than ${MAX_EVENT_CHARS} characters; ask for fewer passages.`,
      );
    }
  }
}
