/** Large objects on their way to R2. In `wrangler dev`, R2 shares the worker's thread and takes some 25 ms a megabyte. */
import { pause } from '../pause.ts';

/** Sent between two pauses, in which others are served. */
const SLICE_BYTES = 1 << 18;

/** Rejects with R2's own error where R2 does not take the object. */
export async function putInSlices(
  bucket: R2Bucket,
  key: string,
  bytes: Uint8Array,
  options: R2PutOptions = {},
): Promise<void> {
  const { readable, writable } = new FixedLengthStream(bytes.length);
  const writer = writable.getWriter();
  const sent = send(writer, bytes);
  // Awaited below: without a handler of its own it would be reported as unhandled until then.
  sent.catch(() => {});
  try {
    await bucket.put(key, readable, options);
  } catch (error) {
    // Not awaited: it waits for a write that nobody may read any more.
    writer.abort(error).catch(() => {});
    throw error;
  }
  await sent;
}

async function send(writer: WritableStreamDefaultWriter, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    await writer.write(bytes.subarray(at, at + SLICE_BYTES));
    await pause();
  }
  await writer.close();
}
