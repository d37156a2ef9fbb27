/** Holds a key to its rate and concurrency, before the request costs anything. */
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { KeyLimits, Verdict } from '../store/request-meter.ts';
import type { AppEnv } from './context.ts';
import { type ApiFailure, rateLimited, toResponse, wholeSeconds } from './errors.ts';
import { observeRefusal } from './metrics.ts';

export const limit = createMiddleware<AppEnv>(async function limit(c, next) {
  const { keyId, limits } = c.var.caller;
  if (keyId === null || limits === null) return next();
  const limiter = c.env.LIMITER.get(c.env.LIMITER.idFromName(String(keyId)));
  const verdict = await limiter.admit(limits);
  const { lease } = verdict;
  if (lease === null) {
    if (verdict.refusal) observeRefusal(c, verdict.refusal);
    const refused = toResponse(refusal(limits, verdict).error);
    setHeaders(refused.headers, limits, verdict);
    return refused;
  }
  await next();
  onceSent(c, () => c.executionCtx.waitUntil(limiter.release(lease)));
  setHeaders(c.res.headers, limits, verdict);
});

function refusal(limits: KeyLimits, verdict: Verdict): ApiFailure {
  const seconds = wholeSeconds(verdict.retryAfterMs);
  const message =
    verdict.refusal === 'rate'
      ? `more than ${limits.requestsPerMinute} requests a minute: try again in ${seconds} s`
      : `more than ${limits.concurrency} requests at a time: wait until one has been answered`;
  return rateLimited(message, verdict.retryAfterMs);
}

function setHeaders(headers: Headers, { requestsPerMinute }: KeyLimits, verdict: Verdict): void {
  headers.set('x-ratelimit-limit-requests', String(requestsPerMinute));
  headers.set('x-ratelimit-remaining-requests', String(verdict.remaining));
  headers.set('x-ratelimit-reset-requests', `${Math.ceil(verdict.resetMs / 1000)}s`);
}

/** Calls `done` when the answer's body has been sent, or its reader has gone. */
function onceSent(c: Context, done: () => void): void {
  const { body } = c.res;
  if (body === null || !c.res.headers.get('content-type')?.startsWith('text/event-stream')) {
    return done();
  }
  const reader = body.getReader();
  const watched = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value, done: ended } = await reader.read();
        if (!ended) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      done();
    },
    async cancel(reason) {
      done();
      await reader.cancel(reason);
    },
  });
  c.res = new Response(watched, c.res);
}
