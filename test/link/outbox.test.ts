/** What waits for the socket: merged, bounded, and believed read only where it can have been. */
import { describe, expect, test } from 'vitest';
import { MERGE_ABOVE_BYTES, Outbox } from '../../gpu-backend/turn/outbox.ts';
import {
  type Accept,
  decodeAccept,
  FrameError,
  FrameType,
  frameType,
  MAX_UNREAD_TOKENS,
} from '../../src/link/protocol/index.ts';

describe('the outbox', () => {
  const accept = (position: number, count: number): Accept => ({
    position,
    tokens: Int32Array.from({ length: count }, (_, i) => position + i),
    sources: new Uint8Array(count).fill(1),
    steps: 1,
    drafted: 3,
    credit: 1,
    stepMicros: 10,
  });
  function outbox() {
    const sent: Uint8Array[] = [];
    const wire = { unsent: 0, send: (frame: Uint8Array) => void sent.push(frame) };
    return { sent, wire, box: new Outbox(wire, 100) };
  }

  test('merges what the socket cannot take, sums included, and sends it when it can', () => {
    const { sent, wire, box } = outbox();
    box.accept(accept(100, 2));
    wire.unsent = MERGE_ABOVE_BYTES + 1;
    box.accept(accept(102, 3));
    box.accept(accept(105, 1));
    box.drained();
    expect(sent.length).toBe(1);
    wire.unsent = MERGE_ABOVE_BYTES;
    box.drained();
    expect(sent.length).toBe(2);
    expect(decodeAccept(sent[1]!)).toEqual({
      ...accept(102, 4),
      steps: 2,
      drafted: 6,
      credit: 2,
      stepMicros: 20,
    });
  });

  test('says done after the last tokens', () => {
    const { sent, wire, box } = outbox();
    wire.unsent = MERGE_ABOVE_BYTES + 1;
    box.accept(accept(100, 2));
    box.done({ reason: 'stop', steps: 1, drafted: 0, accepted: 0, prefillMicros: 0, stale: 0 });
    expect(sent.map(frameType)).toEqual([FrameType.accept, FrameType.done]);
  });

  test('is congested before a frame could overflow, or too much is unread', () => {
    const { wire, box } = outbox();
    wire.unsent = MERGE_ABOVE_BYTES + 1;
    for (let at = 100; !box.congested; at += 65) box.accept(accept(at, 65));
    wire.unsent = 0;
    box.drained();
    expect(box.congested).toBe(false);
    let at = 100 + 2 * 65;
    for (; !box.congested; at += 65) box.accept(accept(at, 65));
    expect(at - 100).toBeGreaterThanOrEqual(MAX_UNREAD_TOKENS);
    expect(at - 100).toBeLessThan(MAX_UNREAD_TOKENS + 65);
    box.wasRead(at - 65);
    expect(box.congested).toBe(false);
  });

  test('believes only what can have been read', () => {
    const { box } = outbox();
    box.accept(accept(100, 5));
    for (const position of [0, 100, 106]) {
      expect(() => box.wasRead(position)).toThrow(FrameError);
    }
    box.wasRead(105);
    expect(() => box.wasRead(105)).toThrow(FrameError);
  });
});
