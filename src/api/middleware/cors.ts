import { cors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from '../context.ts';

/** What a page's script may read of an answer. */
const EXPOSED = [
  'x-request-id',
  'openai-processing-ms',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
  'idempotent-replayed',
];

/** Pages of other origins may call the API where `CORS_ORIGINS` names them. */
export const crossOrigin = createMiddleware<AppEnv>(async function crossOrigin(c, next) {
  const origins = (c.env.CORS_ORIGINS ?? '').split(',').map((origin) => origin.trim());
  const allowed = origins.filter((origin) => origin !== '');
  if (allowed.length === 0) return next();
  return cors({
    origin: allowed.includes('*') ? '*' : allowed,
    exposeHeaders: EXPOSED,
    maxAge: 600,
  })(c, next);
});
