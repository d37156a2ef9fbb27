/**
 * `idempotency-key` on POSTs: the same request again gets the first one's answer,
 * streamed ones included, and is not done again. What a retry may cure (429, 5xx,
 * an answer that its reader left) is not kept.
 */
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { database } from '../../store/database.ts';
import { claim, forget, keep, type Own } from '../../store/idempotency.ts';
import { sha256 } from '../../store/ids.ts';
import type { StoredResponse } from '../../store/schema.ts';
import { passOn } from '../answers/client-stream.ts';
import { boundaryOf, partsOf } from '../body/form-parts.ts';
import { readBytes } from '../body/read.ts';
import type { AppEnv } from '../context.ts';
import { conflict, invalid } from '../errors.ts';

const HEADER = 'idempotency-key';
const MAX_KEY = 255;
/** The end of a whole stream, in either form. What it quotes has its line ends escaped. */
const WHOLE = /(^|\n)(data: \[DONE\]|event: response\.(completed|incomplete)\ndata: [^\n]*)\n\n$/;

/**
 * Answers a POST with the key of an earlier one as that was answered.
 *
 * @example
 * app.use('/v1/chat/*', authenticate(), idempotent());
 */
export function idempotent() {
  return createMiddleware<AppEnv>(async function idempotent(c, next) {
    const key = c.req.header(HEADER);
    if (c.req.method !== 'POST' || key === undefined) return next();
    if (key === '' || key.length > MAX_KEY) {
      throw invalid([HEADER], `must have 1 to ${MAX_KEY} characters`);
    }
    const claimed = await claim(database(c.env), c.var.tenant.id, key, await digest(c));
    switch (claimed.state) {
      case 'different':
        throw conflict(`this ${HEADER} was used for another request: send a new one`);
      case 'running':
        throw conflict(`the first request with this ${HEADER} is still being answered`);
      case 'answered':
        return replay(claimed.response);
      case 'first':
    }
    await next();
    await keepAnswer(c, claimed.own);
  });
}

/** Keeps the answer as it is sent, or gives the key back where a retry may fare better. */
async function keepAnswer(c: Context<AppEnv>, own: Own): Promise<void> {
  const db = database(c.env);
  const { status } = c.res;
  if (status === 429 || status === 499 || status >= 500) return forget(db, own);
  // The copy is read to its end even when the reader leaves: the retry gets the whole answer.
  const [sent, kept] = c.res.body?.tee() ?? [null, null];
  const contentType = c.res.headers.get('content-type') ?? 'application/json';
  c.res = new Response(c.var.sent && sent ? forClient(c, sent) : sent, c.res);
  async function store(): Promise<void> {
    const body = await new Response(kept).text();
    // A stream that broke off may be asked for again.
    const whole = !contentType.startsWith('text/event-stream') || WHOLE.test(body);
    if (!whole) return forget(db, own);
    await keep(db, own, { status, contentType, body });
  }
  c.executionCtx.waitUntil(store().catch(() => forget(db, own)));
}

/** The stream at its client's pace, whose copy is read at once: over when all of it was taken. */
function forClient(c: Context<AppEnv>, stream: ReadableStream<Uint8Array>): ReadableStream {
  const { readable, sent } = passOn(stream);
  c.set('sent', sent);
  return readable;
}

function replay({ status, contentType, body }: StoredResponse): Response {
  const headers = { 'content-type': contentType, 'idempotent-replayed': 'true' };
  return new Response(body, { status, headers });
}

/** Of method, path and body. A multipart body's boundary is new each time and left out. */
async function digest(c: Context<AppEnv>): Promise<string> {
  const bytes = await readBytes(c);
  // The body has been read: the route gets the same bytes.
  c.req.raw = new Request(c.req.raw, { body: bytes });
  const boundary = boundaryOf(c.req.header('content-type') ?? null);
  const head = `${c.req.method} ${c.req.path}\n`;
  if (boundary === null) return sha256(head + (await sha256(bytes)));
  const parts = await Promise.all((await partsOf(new Uint8Array(bytes), boundary)).map(sha256));
  return sha256(head + parts.join('\n'));
}
