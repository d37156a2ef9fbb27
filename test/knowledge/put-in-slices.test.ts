/** Objects travel to R2 in slices. Node has no `FixedLengthStream`: one of any length takes its place. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { putInSlices } from '../../src/store/put-in-slices.ts';

function AnyLengthStream() {
  return new TransformStream();
}

beforeEach(() => vi.stubGlobal('FixedLengthStream', AnyLengthStream));
afterEach(() => vi.unstubAllGlobals());

/** A bucket whose `put` does this. */
const bucket = (put: (stream: ReadableStream<Uint8Array>, options: R2PutOptions) => unknown) =>
  ({
    put: async (_: string, stream: ReadableStream<Uint8Array>, options: R2PutOptions) =>
      put(stream, options),
  }) as unknown as R2Bucket;

async function read(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test.each([0, 1, 1 << 18, (1 << 20) + 5])('%i bytes arrive as they are', async (length) => {
  const bytes = Uint8Array.from({ length }, (_, i) => i * 7);
  let got: Uint8Array | undefined;
  const customMetadata = { made: 'here' };
  const put = async (stream: ReadableStream<Uint8Array>, options: R2PutOptions) => {
    expect(options).toEqual({ customMetadata });
    got = await read(stream);
  };
  await putInSlices(bucket(put), 'key', bytes, { customMetadata });
  expect(Buffer.compare(got!, bytes)).toBe(0);
});

test('others are served between the slices', async () => {
  let served = 0;
  const other = setInterval(() => served++, 0);
  await putInSlices(bucket(read), 'key', new Uint8Array(1 << 21));
  clearInterval(other);
  expect(served).toBeGreaterThanOrEqual(7);
});

test.each([
  ['at once', () => Promise.reject(new Error('no room'))],
  [
    'in the middle',
    async (stream: ReadableStream<Uint8Array>) => {
      const reader = stream.getReader();
      await reader.read();
      throw new Error('no room');
    },
  ],
  [
    'and ends the stream',
    async (stream: ReadableStream<Uint8Array>) => {
      await stream.cancel(new Error('ended'));
      throw new Error('no room');
    },
  ],
])('an R2 that refuses %s is heard, and nothing is left waiting', async (_, put) => {
  await expect(putInSlices(bucket(put), 'key', new Uint8Array(1 << 20))).rejects.toThrow('no room');
});
