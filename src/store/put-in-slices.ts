/** Large objects on their way to R2. In `wrangler dev`, R2 shares the worker's thread and takes some 25 ms a megabyte. */
import { BYTES_AT_ONCE, pause } from '../pause.ts';

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
  for (let at = 0; at < bytes.length; at += BYTES_AT_ONCE) {
    await writer.write(bytes.subarray(at, at + BYTES_AT_ONCE));
    await pause();
  }
  await writer.close();
}
