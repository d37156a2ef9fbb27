/** Calls from pages of other origins. */
import { cors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from '../context.ts';

/** What a page's script may read of an answer, beside its body. */
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
  'x-espalier-ignored',
  'x-espalier-not-enforced',
];

interface CrossOriginOptions {
  /** Seconds for which a browser need not ask again. */
  maxAge?: number;
}

/**
 * Lets pages of the origins that `CORS_ORIGINS` names call the API.
 *
 * @example
 * app.use(crossOrigin({ maxAge: 600 }));
 */
export function crossOrigin({ maxAge = 600 }: CrossOriginOptions = {}) {
  return createMiddleware<AppEnv>(async function crossOrigin(c, next) {
    const origins = (c.env.CORS_ORIGINS ?? '').split(',').map((origin) => origin.trim());
    const allowed = origins.filter((origin) => origin !== '');
    if (allowed.length === 0) return next();
    const origin = allowed.includes('*') ? '*' : allowed;
    return cors({ origin, exposeHeaders: EXPOSED, maxAge })(c, next);
  });
}
