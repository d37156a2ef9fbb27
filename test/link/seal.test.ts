/** Whatever happens to a message on its way is noticed. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Opener, SEAL_BYTES, SealError, Sealer } from '../../src/link/protocol/index.ts';

const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), {
  minLength: 2,
  maxLength: 12,
});

const sealed = (list: Uint8Array[]) => {
  const sealer = new Sealer();
  return list.map((frame) => sealer.seal(frame));
};

test("the seal of the first frame is the CRC-32 of everybody's check string", () => {
  const message = new Sealer().seal(new TextEncoder().encode('123456789'));
  expect(new DataView(message.buffer).getUint32(9, true)).toBe(0xcbf43926);
});

test('frames in order come out as they went in', () => {
  fc.assert(
    fc.property(frames, (list) => {
      const opener = new Opener();
      expect(sealed(list).map((message) => opener.open(message))).toEqual(list);
    }),
  );
});

/** Opens the messages up to the first that is refused; its index, or -1. */
function refusedAt(messages: readonly Uint8Array[]): number {
  const opener = new Opener();
  return messages.findIndex((message) => {
    try {
      opener.open(message);
      return false;
    } catch (error) {
      expect(error).toBeInstanceOf(SealError);
      return true;
    }
  });
}

test('a flipped bit, a cut, a repetition, a loss and a swap are refused where they happen', () => {
  fc.assert(
    fc.property(frames, fc.nat(), fc.nat(), (list, a, b) => {
      const messages = sealed(list);
      const at = a % messages.length;
      const bit = b % (messages[at]!.length * 8);

      const flipped = messages.map((message) => message.slice());
      flipped[at]![bit >> 3]! ^= 1 << (bit & 7);
      expect(refusedAt(flipped)).toBe(at);

      const cut = messages.with(at, messages[at]!.subarray(0, b % messages[at]!.length));
      expect(refusedAt(cut)).toBe(at);

      expect(refusedAt(messages.toSpliced(at, 0, messages[at]!))).toBe(at + 1);

      const early = at % (messages.length - 1);
      // Neighbours whose CRCs differ by just one would hide it: a chance of 2^-32.
      expect(refusedAt(messages.toSpliced(early, 1))).toBe(early);
      const swapped = messages.slice();
      [swapped[early], swapped[early + 1]] = [swapped[early + 1]!, swapped[early]!];
      expect(refusedAt(swapped)).toBe(early);
    }),
    { numRuns: 500 },
  );
});

test('a message too short for any frame is refused', () => {
  for (let length = 0; length <= SEAL_BYTES; length++) {
    expect(() => new Opener().open(new Uint8Array(length))).toThrow(SealError);
  }
});
