/** Request bodies: bounded, parsed, and checked against a schema before anything acts on them. */
import type { Context } from 'hono';
import * as v from 'valibot';
import { BYTES_AT_ONCE, pause } from '../../pause.ts';
import { ApiFailure, invalid, invalidIssue, type Path, tooLarge } from '../errors.ts';
import { knownFields } from './fields.ts';
import { boundaryOf, partsOf } from './form-parts.ts';
import { parseJson } from './json.ts';
import './messages.ts';

/** A chat request with a full context of text is far below this. */
const MAX_JSON_BYTES = 2 * 1024 * 1024;
/** One uploaded file. The worker holds it in memory, beside its text and passages. */
export const MAX_FILE_BYTES = 24 * 1024 * 1024;
/** An upload: the file, its other fields and the multipart markers. */
const MAX_UPLOAD_BYTES = MAX_FILE_BYTES + 64 * 1024;

/** With the value `true`, hints are refused. */
const STRICT = 'x-espalier-strict';
/** Names the hints that were ignored. */
const IGNORED = 'x-espalier-ignored';
const MAX_NAMED = 20;
const MAX_NAME = 64;

/** The JSON body, valid for `schema`. Throws an `ApiFailure` that names the first bad field. */
export async function readBody<Schema extends v.GenericSchema>(
  c: Context,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  const { value, hints } = knownFields(schema, await readJson(c));
  ignore(c, hints, 'is not known');
  return check(schema, value);
}

/** Names fields that have no effect in the response's header. Throws an `ApiFailure` where the request wants hints refused. */
export function ignore(c: Context, hints: readonly Path[], why: string): void {
  if (!hints[0]) return;
  if (c.req.header(STRICT) === 'true') {
    throw invalid(hints[0], `${why}, and ${STRICT} is true: leave it out`);
  }
  c.header(IGNORED, namesOf(hints), { append: true });
}

/** Each place once, with `*` for indices of lists, as a header may have them. */
function namesOf(hints: readonly Path[]): string {
  const names = new Set(
    hints.map((path) =>
      path.map((part) => (typeof part === 'number' ? '*' : nameOf(part))).join('.'),
    ),
  );
  const rest = names.size - MAX_NAMED;
  return [...names].slice(0, MAX_NAMED).join(', ') + (rest > 0 ? `, and ${rest} more` : '');
}

function nameOf(key: string): string {
  return key.slice(0, MAX_NAME).replace(/[^\w$:/-]/gu, '?');
}

/** The body as an object, whatever its content-type says. An empty one is `{}`. */
async function readJson(c: Context): Promise<unknown> {
  const text = await bounded(c, MAX_JSON_BYTES, (body) => body.text());
  if (text.trim() === '') return {};
  try {
    return parseJson(text);
  } catch {
    const packing = c.req.header('content-encoding');
    throw invalid(
      [],
      packing ? `the body is packed (${packing}): send it as it is` : 'the body is not JSON',
    );
  }
}

/** The multipart form of an upload. */
export async function readForm(c: Context): Promise<FormData> {
  return bounded(c, MAX_UPLOAD_BYTES, async (body) => {
    const boundary = boundaryOf(body.headers.get('content-type'));
    const bytes = new Uint8Array(await body.arrayBuffer());
    if (boundary !== null) await partsOf(bytes, boundary);
    try {
      return await new Response(bytes, { headers: body.headers }).formData();
    } catch {
      throw invalid([], 'the body is not multipart/form-data with the fields "file" and "purpose"');
    }
  });
}

/** The body as it is, of whatever kind the route takes. */
export function readBytes(c: Context): Promise<ArrayBuffer> {
  const isForm = c.req.header('content-type')?.startsWith('multipart/form-data');
  const limit = isForm ? MAX_UPLOAD_BYTES : MAX_JSON_BYTES;
  return bounded(c, limit, (body) => body.arrayBuffer());
}

/** The query string, valid for `schema`. */
export function readQuery<Schema extends v.GenericSchema>(
  c: Context,
  schema: Schema,
): v.InferOutput<Schema> {
  return check(schema, c.req.query());
}

export function check<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> {
  // Only the first issue is told, and a long list of bad items has as many.
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (!result.success) throw invalidIssue(result.issues);
  return result.output;
}

/**
 * Reads a body of at most `limit` bytes. A declared length is refused unread;
 * a chunked body is counted as it comes.
 */
async function bounded<Read>(
  c: Context,
  limit: number,
  read: (body: Response) => Promise<Read>,
): Promise<Read> {
  const message = `the request is too large: a body like this may have ${limit} bytes`;
  if (Number(c.req.header('content-length') ?? 0) > limit) throw tooLarge([], message);
  const { body, headers } = c.req.raw;
  let seen = 0;
  let paused = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    async transform(part, controller) {
      seen += part.byteLength;
      if (seen > limit) return controller.error(new Error(message));
      controller.enqueue(part);
      // A large body that comes faster than it is read would keep everybody else waiting.
      if (seen - paused < BYTES_AT_ONCE) return;
      paused = seen;
      await pause();
    },
  });
  const contentType = headers.get('content-type');
  const counted = new Response(body?.pipeThrough(counter) ?? null, {
    headers: contentType ? { 'content-type': contentType } : {},
  });
  try {
    return await read(counted);
  } catch (error) {
    if (seen > limit) throw tooLarge([], message);
    throw error instanceof ApiFailure ? error : invalid([], 'the body could not be read');
  }
}
