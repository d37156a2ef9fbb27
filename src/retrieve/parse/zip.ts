/**
 * Reads a zip archive's members. Only what documents come in: stored or
 * deflated, not encrypted, not split. Sizes in the directory are claims; what is
 * unpacked is counted, so that a small archive can't become a large one.
 */
import { UnreadableFile } from './document.ts';

export const MAX_ZIP_MEMBERS = 2_000;
export const MAX_UNZIPPED = 48 * 1024 * 1024;

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_SIZE = 22;
const MAX_COMMENT = 0xffff;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED_FLAG = 1;

export interface ZipMember {
  name: string;
  bytes: ArrayBuffer;
}

/** Members in the directory's order, folders left out. Throws `UnreadableFile`. */
export async function* unzip(archive: ArrayBuffer): AsyncGenerator<ZipMember> {
  const view = new DataView(archive);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  if (count > MAX_ZIP_MEMBERS) {
    throw new UnreadableFile(
      'invalid_file',
      `the archive has ${count} files, more than ${MAX_ZIP_MEMBERS}: split it`,
    );
  }
  let room = MAX_UNZIPPED;
  let at = view.getUint32(end + 16, true);
  for (let i = 0; i < count; i++) {
    if (at + 46 > archive.byteLength || view.getUint32(at, true) !== ENTRY_SIGNATURE)
      throw broken();
    const nameLength = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(
      new Uint8Array(archive, at + 46, within(archive, at + 46, nameLength)),
    );
    if (!name.endsWith('/')) {
      const bytes = await readMember(view, at, name, room);
      room -= bytes.byteLength;
      yield { name, bytes };
    }
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
}

function findEnd(view: DataView): number {
  const first = Math.max(0, view.byteLength - END_SIZE - MAX_COMMENT);
  for (let at = view.byteLength - END_SIZE; at >= first; at--) {
    if (view.getUint32(at, true) === END_SIGNATURE) return at;
  }
  throw broken();
}

async function readMember(
  view: DataView,
  entry: number,
  name: string,
  room: number,
): Promise<ArrayBuffer> {
  const archive = view.buffer as ArrayBuffer;
  if (view.getUint16(entry + 8, true) & ENCRYPTED_FLAG) {
    throw new UnreadableFile(
      'invalid_file',
      `"${name}" in the archive is encrypted: unpack it first`,
    );
  }
  const method = view.getUint16(entry + 10, true);
  const size = view.getUint32(entry + 20, true);
  const local = view.getUint32(entry + 42, true);
  if (local + 30 > view.byteLength || view.getUint32(local, true) !== LOCAL_SIGNATURE)
    throw broken();
  const data = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const packed = archive.slice(data, data + within(archive, data, size));
  if (method === STORED) return limited([new Uint8Array(packed)], room);
  if (method !== DEFLATED) {
    throw new UnreadableFile(
      'invalid_file',
      `"${name}" in the archive is packed in a way that isn't read: use deflate`,
    );
  }
  const stream = new Response(packed).body!.pipeThrough(new DecompressionStream('deflate-raw'));
  try {
    return await limited(stream, room);
  } catch (error) {
    throw error instanceof UnreadableFile ? error : broken(error);
  }
}

async function limited(
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  room: number,
): Promise<ArrayBuffer> {
  const kept: Uint8Array[] = [];
  let size = 0;
  for await (const part of parts) {
    size += part.byteLength;
    if (size > room) {
      throw new UnreadableFile(
        'invalid_file',
        `the archive unpacks to more than ${MAX_UNZIPPED} bytes: split it`,
      );
    }
    kept.push(part);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of kept) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole.buffer;
}

function within(archive: ArrayBuffer, at: number, length: number): number {
  if (at + length > archive.byteLength) throw broken();
  return length;
}

function broken(cause?: unknown): UnreadableFile {
  return new UnreadableFile(
    'invalid_file',
    'the file is not a zip archive, or it is damaged',
    cause,
  );
}
