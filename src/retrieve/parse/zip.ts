/**
 * Reads a zip archive's directory and members: stored or deflated ones, of
 * archives in one part. Sizes in the directory are claims; what is unpacked is counted.
 */
import { UnreadableFile } from './document.ts';
import { inflate, joined, MAX_MEMBER, type UnpackingRoom } from './unpacking.ts';

export const MAX_ZIP_MEMBERS = 2_000;

const END_SIGNATURE = 0x06054b50;
const END_64_SIGNATURE = 0x06064b50;
const LOCATOR_64_SIGNATURE = 0x07064b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_SIZE = 22;
const LOCATOR_64_SIZE = 20;
const ENTRY_SIZE = 46;
const LOCAL_SIZE = 30;
const MAX_COMMENT = 0xffff;
/** In a size's or an offset's place: the number is in the entry's extra field. */
const IN_EXTRA_32 = 0xffffffff;
const IN_EXTRA_16 = 0xffff;
const EXTRA_64 = 1;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED_FLAG = 1;

export interface ZipEntry {
  name: string;
  packedSize: number;
  /** As the directory claims. */
  size: number;
  method: number;
  encrypted: boolean;
  /** Of the local header. */
  offset: number;
}

/** The files in the directory's order, folders left out. Throws `UnreadableFile`. */
export function readZipDirectory(archive: Uint8Array): ZipEntry[] {
  const view = viewOf(archive);
  const { count, offset } = findDirectory(view);
  if (count > MAX_ZIP_MEMBERS) {
    throw new UnreadableFile(
      'invalid_file',
      `the archive has ${count} files, more than ${MAX_ZIP_MEMBERS}: split it`,
    );
  }
  const entries: ZipEntry[] = [];
  let at = offset;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_SIZE > view.byteLength || view.getUint32(at, true) !== ENTRY_SIGNATURE) {
      throw broken();
    }
    const nameEnd = at + ENTRY_SIZE + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    if (extraEnd > view.byteLength) throw broken();
    const name = new TextDecoder().decode(archive.subarray(at + ENTRY_SIZE, nameEnd));
    if (!name.endsWith('/')) entries.push({ name, ...readEntry(view, at, nameEnd, extraEnd) });
    at = extraEnd + view.getUint16(at + 32, true);
  }
  return entries;
}

function readEntry(view: DataView, at: number, extra: number, extraEnd: number) {
  let wide = findExtra64(view, extra, extraEnd);
  /** The number, or what stands for it in the extra field, in the order of these calls. */
  function wideOr(narrow: number): number {
    if (narrow !== IN_EXTRA_32) return narrow;
    if (wide + 8 > extraEnd) throw broken();
    wide += 8;
    return Number(view.getBigUint64(wide - 8, true));
  }
  const size = wideOr(view.getUint32(at + 24, true));
  const packedSize = wideOr(view.getUint32(at + 20, true));
  const offset = wideOr(view.getUint32(at + 42, true));
  return {
    size,
    packedSize,
    offset,
    method: view.getUint16(at + 10, true),
    encrypted: (view.getUint16(at + 8, true) & ENCRYPTED_FLAG) !== 0,
  };
}

/** Where the extra field's 64-bit numbers begin; its end if it has none. */
function findExtra64(view: DataView, extra: number, extraEnd: number): number {
  for (let at = extra; at + 4 <= extraEnd; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) === EXTRA_64) return at + 4;
  }
  return extraEnd;
}

function findDirectory(view: DataView): { count: number; offset: number } {
  const first = Math.max(0, view.byteLength - END_SIZE - MAX_COMMENT);
  for (let at = view.byteLength - END_SIZE; at >= first; at--) {
    if (view.getUint32(at, true) !== END_SIGNATURE) continue;
    const count = view.getUint16(at + 10, true);
    const offset = view.getUint32(at + 16, true);
    const isWide = count === IN_EXTRA_16 || offset === IN_EXTRA_32;
    return isWide ? findDirectory64(view, at - LOCATOR_64_SIZE) : { count, offset };
  }
  throw broken();
}

function findDirectory64(view: DataView, locator: number): { count: number; offset: number } {
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR_64_SIGNATURE) throw broken();
  const at = Number(view.getBigUint64(locator + 8, true));
  if (at + 56 > view.byteLength || view.getUint32(at, true) !== END_64_SIGNATURE) throw broken();
  return {
    count: Number(view.getBigUint64(at + 32, true)),
    offset: Number(view.getBigUint64(at + 48, true)),
  };
}

/** The member's bytes. Throws `UnreadableFile`, which is the member's fault alone if `room` is left. */
export async function readZipMember(
  archive: Uint8Array<ArrayBuffer>,
  entry: ZipEntry,
  room: UnpackingRoom,
): Promise<Uint8Array<ArrayBuffer>> {
  if (entry.encrypted) {
    throw new UnreadableFile('invalid_file', 'it is encrypted: unpack it first');
  }
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    throw new UnreadableFile(
      'invalid_file',
      `it is packed by method ${entry.method}, which is not read: use deflate`,
    );
  }
  requireMember(entry.size);
  room.require(entry.size);
  const packed = locate(archive, entry);
  if (entry.method === STORED) {
    requireMember(packed.byteLength);
    room.take(packed.byteLength);
    return packed;
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of inflate(packed, 'deflate-raw', count)) parts.push(part);
  } catch (error) {
    throw error instanceof UnreadableFile ? error : broken(error);
  }
  return joined(parts);

  function count(bytes: number): void {
    size += bytes;
    requireMember(size);
    room.take(bytes);
  }
}

function requireMember(size: number): void {
  if (size > MAX_MEMBER) {
    throw new UnreadableFile(
      'invalid_file',
      `it unpacks to more than ${MAX_MEMBER} bytes: split it`,
    );
  }
}

function locate(archive: Uint8Array<ArrayBuffer>, entry: ZipEntry): Uint8Array<ArrayBuffer> {
  const view = viewOf(archive);
  const local = entry.offset;
  if (local + LOCAL_SIZE > view.byteLength || view.getUint32(local, true) !== LOCAL_SIGNATURE) {
    throw broken();
  }
  const start =
    local + LOCAL_SIZE + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  if (start + entry.packedSize > view.byteLength) throw broken();
  return archive.subarray(start, start + entry.packedSize);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function broken(cause?: unknown): UnreadableFile {
  return new UnreadableFile(
    'invalid_file',
    'the file is not a zip archive, or it is damaged',
    cause,
  );
}
