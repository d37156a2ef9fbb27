import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventStreamParser, MAX_EVENT_CHARS } from '../../web/stream/sse.js';

function parse(chunks: Uint8Array[]) {
  const events: { event: string; data: string }[] = [];
  const parser = new EventStreamParser((event) => events.push(event));
  for (const chunk of chunks) parser.push(chunk);
  return events;
}

function parseText(text: string) {
  return parse([new TextEncoder().encode(text)]);
}

describe('an event stream', () => {
  it('gives one event for each blank line', () => {
    expect(parseText('data: a\n\ndata: b\n\n')).toEqual([
      { event: 'message', data: 'a' },
      { event: 'message', data: 'b' },
    ]);
  });

  it('joins data lines and keeps all but one leading blank', () => {
    expect(parseText('data:x\ndata:  y\ndata\n\n')).toEqual([
      { event: 'message', data: 'x\n y\n' },
    ]);
  });

  it('names an event for that event only', () => {
    expect(parseText('event: ping\ndata: 1\n\ndata: 2\n\n')).toEqual([
      { event: 'ping', data: '1' },
      { event: 'message', data: '2' },
    ]);
  });

  it('ignores comments, unknown fields, events without data and a byte order mark', () => {
    const text = '\uFEFF: hello\nid: 7\nretry: 1\nnonsense: x\n\n\n\ndata: a\n\n';
    expect(parseText(text)).toEqual([{ event: 'message', data: 'a' }]);
  });

  it('drops an event that never ended', () => {
    expect(parseText('data: whole\n\ndata: ha')).toEqual([{ event: 'message', data: 'whole' }]);
  });

  it('ends a line at a CR at once, and does not count the LF after it twice', () => {
    const bytes = new TextEncoder();
    const events = parse([bytes.encode('data: a\r'), bytes.encode('\r'), bytes.encode('\n')]);
    expect(events).toEqual([{ event: 'message', data: 'a' }]);
    expect(parse([bytes.encode('data: b\r'), bytes.encode('\ndata: c\r\n\r\n')])).toEqual([
      { event: 'message', data: 'b\nc' },
    ]);
  });

  it('reads the same however its bytes are cut', () => {
    const line = fc
      .string({ unit: 'grapheme', maxLength: 12 })
      .map((s) => s.replace(/[\r\n]/g, ''));
    const lineEnd = fc.constantFrom('\n', '\r', '\r\n');
    fc.assert(
      fc.property(
        fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { maxLength: 6 }),
        lineEnd,
        fc.array(fc.nat(), { maxLength: 40 }),
        (events, end, cuts) => {
          const text = events
            .map((lines) => lines.map((data) => `data: ${data}${end}`).join('') + end)
            .join('');
          const bytes = new TextEncoder().encode(text);
          const expected = events.map((lines) => ({ event: 'message', data: lines.join('\n') }));
          expect(parse(cut(bytes, cuts))).toEqual(expected);
        },
      ),
    );
  });

  it('refuses an event without end, on one line or on many', () => {
    const half = new Uint8Array(MAX_EVENT_CHARS / 2 + 8).fill(97);
    expect(() => parse([half, half])).toThrow(RangeError);
    const line = new TextEncoder().encode(`data: ${'a'.repeat(MAX_EVENT_CHARS / 4)}\n`);
    expect(() => parse([line, line, line, line, line])).toThrow(/fewer passages/);
  });
});

function cut(bytes: Uint8Array, at: number[]): Uint8Array[] {
  const ends = at.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b);
  const starts = [0, ...ends];
  return starts.map((start, i) => bytes.subarray(start, ends[i] ?? bytes.length));
}
