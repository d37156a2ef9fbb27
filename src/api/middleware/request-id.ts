/** Names every request: for its answer, for the log and for whoever asks about it. */
import { createMiddleware } from 'hono/factory';
import { newId } from '../../store/ids.ts';
import type { AppEnv } from '../context.ts';

/** What a caller may name a request: it goes into headers and logs as it is. */
const FITTING = /^[\w.:-]{1,128}$/;

interface RequestIdOptions {
  /** Where the caller's own id comes, and every answer's goes. */
  header?: string;
}

/**
 * Gives the request its id, the caller's own if it fits; the answer and the log name
 * it. The answer says how long it took to begin.
 *
 * @example
 * app.use(requestId({ header: 'x-request-id' }));
 */
export function requestId({ header = 'x-request-id' }: RequestIdOptions = {}) {
  return createMiddleware<AppEnv>(async function requestId(c, next) {
    const given = c.req.header(header) ?? '';
    const id = FITTING.test(given) ? given : newId('req_');
    const started = Date.now();
    c.set('requestId', id);
    c.set('startedAt', started);
    await next();
    c.header(header, id);
    c.header('openai-processing-ms', String(Date.now() - started));
  });
}
