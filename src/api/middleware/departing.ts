/**
 * Clients that leave before their answer begins. The proxy of `wrangler dev` tells the
 * worker of none, so the front of `npm start` (local/front.ts) numbers requests and says
 * which of them have been left. A deployed worker has no front: there the runtime ends
 * a request that was left, and its links with it.
 */
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from '../context.ts';
import { isLocal } from './authenticate.ts';

/** Numbers a request; on a request to `LEFT_PATH`, names the one that was left. */
const HEADER = 'x-espalier-request';
const LEFT_PATH = '/local/left';
/** Requests that can be told of at once; of more the oldest can't, and only wait in vain. */
const MAX_KNOWN = 4_096;

/** By number: tells its request. What that does then runs in the request itself. */
const known = new Map<string, () => void>();

/**
 * Sets `clientLeft`, the signal of a client that has gone, until the answer has begun.
 *
 * @example
 * app.use(departing());
 */
export function departing() {
  return createMiddleware<AppEnv>(async function departing(c, next) {
    const number = c.env.LOCAL_SECRET ? c.req.header(HEADER) : undefined;
    if (number !== undefined && c.req.path === LEFT_PATH && isLocal(c)) {
      known.get(number)?.();
      return c.body(null, 204);
    }
    const leaving = new AbortController();
    c.set('clientLeft', leaving.signal);
    if (number === undefined) return next();
    void new Promise<void>((told) => known.set(number, told)).then(() => leaving.abort());
    if (known.size > MAX_KNOWN) known.delete(known.keys().next().value!);
    try {
      await next();
    } finally {
      known.delete(number);
    }
  });
}
