/** Large objects on their way to R2. In `wrangler dev`, R2 shares the worker's thread and takes some 25 ms a megabyte. */
import { pause } from '../pause.ts';

/** Sent between two pauses, in which others are served. */
const SLICE_BYTES = 1 << 18;

export async function putInSlices(bucket: R2Bucket, key: string, bytes: Uint8Array): Promise<void> {
  const { readable, writable } = new FixedLengthStream(bytes.length);
  const send = async () => {
    const writer = writable.getWriter();
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      await writer.write(bytes.subarray(at, at + SLICE_BYTES));
      await pause();
    }
    await writer.close();
  };
  await Promise.all([bucket.put(key, readable), send()]);
}
