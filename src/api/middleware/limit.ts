/** Holds a key to its rate and concurrency, before the request costs anything. */
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { BUSY_RETRY_MS } from '../../meter/request-meter.ts';
import type { KeyLimits, Verdict } from '../../store/objects/limiter.ts';
import type { AppEnv } from '../context.ts';
import {
  type ApiFailure,
  invalid,
  type Path,
  rateLimited,
  toResponse,
  wholeSeconds,
} from '../errors.ts';
import { HeldLease } from './held-lease.ts';
import { observeRefusal } from './observe.ts';

/**
 * Admits a key's request, or answers 429. What it counts for is held until the last
 * byte of its answer has been taken.
 *
 * @example
 * app.use('/v1/*', authenticate(), limit());
 */
export function limit() {
  return createMiddleware<AppEnv>(async function limit(c, next) {
    const { keyId, limits } = c.var.caller;
    if (keyId === null || limits === null) return next();
    const limiter = limiterOf(c, keyId);
    const verdict = await limiter.admit(limits);
    const { lease } = verdict;
    if (lease === null) {
      if (verdict.refusal) observeRefusal(c, verdict.refusal);
      const refused = toResponse(refusal(limits, verdict).error);
      setHeaders(refused.headers, limits, verdict);
      return refused;
    }
    c.set('lease', lease);
    const held = new HeldLease(
      () => c.executionCtx.waitUntil(limiter.renew(lease)),
      () => c.executionCtx.waitUntil(limiter.release(lease)),
    );
    await next();
    held.until(c.var.sent);
    setHeaders(c.res.headers, limits, verdict);
  });
}

/** Holds a request that was let in as one answer to its key's limits for all that its field at `path` asks for. */
export async function requireConcurrency(
  c: Context<AppEnv>,
  answers: number,
  path: Path,
): Promise<void> {
  const { caller, lease } = c.var;
  if (answers === 1 || lease === undefined || caller.keyId === null || !caller.limits) return;
  const { concurrency } = caller.limits;
  if (answers > concurrency) {
    throw invalid(path, `${answers} answers, but this key may have ${concurrency} at a time`);
  }
  if (await limiterOf(c, caller.keyId).widen(lease, answers, caller.limits)) return;
  observeRefusal(c, 'concurrency');
  throw rateLimited(tooMany(concurrency), BUSY_RETRY_MS);
}

function limiterOf(c: Context<AppEnv>, keyId: number) {
  return c.env.LIMITER.get(c.env.LIMITER.idFromName(String(keyId)));
}

function tooMany(concurrency: number): string {
  return `at most ${concurrency} at a time: wait until a request has been answered`;
}

function refusal(limits: KeyLimits, verdict: Verdict): ApiFailure {
  const seconds = wholeSeconds(verdict.retryAfterMs);
  const message =
    verdict.refusal === 'rate'
      ? `more than ${limits.requestsPerMinute} requests a minute: try again in ${seconds} s`
      : tooMany(limits.concurrency);
  return rateLimited(message, verdict.retryAfterMs);
}

function setHeaders(headers: Headers, { requestsPerMinute }: KeyLimits, verdict: Verdict): void {
  headers.set('x-ratelimit-limit-requests', String(requestsPerMinute));
  headers.set('x-ratelimit-remaining-requests', String(verdict.remaining));
  headers.set('x-ratelimit-reset-requests', `${Math.ceil(verdict.resetMs / 1000)}s`);
}
