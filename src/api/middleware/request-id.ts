import { createMiddleware } from 'hono/factory';
import { newId } from '../../store/ids.ts';
import type { AppEnv } from '../context.ts';

/** What a caller may name a request: it goes into headers and logs as it is. */
const FITTING = /^[\w.:-]{1,128}$/;

/** Gives the request its id, the caller's own if it fits; the answer and the log name it. */
export const requestId = createMiddleware<AppEnv>(async function requestId(c, next) {
  const given = c.req.header('x-request-id') ?? '';
  const id = FITTING.test(given) ? given : newId('req_');
  const started = Date.now();
  c.set('requestId', id);
  c.set('startedAt', started);
  await next();
  c.header('x-request-id', id);
  c.header('openai-processing-ms', String(Date.now() - started));
});
