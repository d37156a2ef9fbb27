/**
 * Where the parts of a multipart body are, before the runtime reads it: it takes seconds
 * at once for hundreds of thousands of parts, or for a part whose head has megabytes.
 */
import { pause } from '../../pause.ts';
import { invalid } from '../errors.ts';

/** A file has one part, and its other fields a few. */
const MAX_PARTS = 64;
/** Of one part's head: names and types. */
const MAX_HEAD = 8_192;
/** Bytes searched between two pauses. */
const SEARCHED_AT_ONCE = 1 << 20;
const [CR, LF] = [13, 10] as const;

/** The delimiter that the content type names; null where it names none. */
export function boundaryOf(contentType: string | null): string | null {
  if (!contentType?.startsWith('multipart/form-data')) return null;
  return /boundary="?([^";]+)/.exec(contentType)?.[1] ?? null;
}

/**
 * What is between the delimiters, which begin lines: heads, and what follows them. Throws the `ApiFailure` of a form of
 * too many parts, or of a part whose head is too long.
 */
export async function partsOf(bytes: Uint8Array, boundary: string): Promise<Uint8Array[]> {
  const delimiter = new TextEncoder().encode(`--${boundary}`);
  const parts: Uint8Array[] = [];
  let start = isAt(bytes, 0, delimiter) ? delimiter.length : 0;
  let searched = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (at - searched > SEARCHED_AT_ONCE) {
      searched = at;
      await pause();
    }
    if (!isAt(bytes, at + 1, delimiter)) continue;
    parts.push(bytes.subarray(start, bytes[at - 1] === CR ? at - 1 : at));
    start = at + 1 + delimiter.length;
    if (parts.length > MAX_PARTS) {
      throw invalid([], `the form has more than ${MAX_PARTS} parts: send "file" and "purpose"`);
    }
  }
  parts.push(bytes.subarray(start));
  for (const part of parts) requireShortHead(part);
  return parts;
}

function isAt(bytes: Uint8Array, at: number, mark: Uint8Array): boolean {
  return bytes[at] === mark[0] && mark.every((byte, i) => bytes[at + i] === byte);
}

/** A head ends with an empty line. */
function requireShortHead(part: Uint8Array): void {
  if (part.length <= MAX_HEAD) return;
  const head = new TextDecoder('latin1').decode(part.subarray(0, MAX_HEAD));
  if (!head.includes('\r\n\r\n') && !head.includes('\n\n')) {
    throw invalid(
      [],
      `a part of the form has a head of more than ${MAX_HEAD} bytes: shorten its name`,
    );
  }
}
