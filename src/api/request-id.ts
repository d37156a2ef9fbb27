import { createMiddleware } from 'hono/factory';
import { newId } from '../store/ids.ts';
import type { AppEnv } from './context.ts';

/** Gives the request its id, which the answer, the log and the errors name. */
export const requestId = createMiddleware<AppEnv>(async function requestId(c, next) {
  const id = newId('req_');
  const started = Date.now();
  c.set('requestId', id);
  await next();
  c.header('x-request-id', id);
  c.header('openai-processing-ms', String(Date.now() - started));
});
