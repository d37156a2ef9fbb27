/** What is counted about requests and answers, and the page Prometheus reads. */
import { type Context, Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import type { Answer } from '../generate/answer.ts';
import type { Observation } from '../store/metric-names.ts';
import { observe } from '../store/metrics.ts';
import type { AppEnv } from './context.ts';

export const metrics = new Hono<AppEnv>();

metrics.get('/', async function exposeMetrics(c) {
  const text = await c.env.METRICS.get(c.env.METRICS.idFromName('all')).expose();
  return c.text(text, 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
});

/** Logs and counts every request, by its route's pattern: paths hold ids. */
export const observeRequests = createMiddleware<AppEnv>(async function observeRequests(c, next) {
  const started = Date.now();
  await next();
  const ms = Date.now() - started;
  const route = routePath(c, -1);
  const { method } = c.req;
  const status = c.res.status;
  console.log(
    JSON.stringify({
      event: 'request',
      request_id: c.var.requestId,
      tenant: c.var.tenant?.id ?? null,
      method,
      route,
      status,
      ms,
    }),
  );
  tell(c, [
    {
      name: 'espalier_http_requests_total',
      labels: { route, method, status: String(status) },
      value: 1,
    },
    { name: 'espalier_http_request_seconds', labels: { route }, value: ms / 1000 },
  ]);
});

/** Counts an answer that has ended, complete or not. */
export function observeAnswer(c: Context<AppEnv>, answer: Answer): void {
  const { steps, drafted, accepted, by_source } = answer.speculation.usage();
  const observations: Observation[] = [
    ...answer.asked(),
    { name: 'espalier_prompt_tokens_total', value: answer.promptTokens },
    { name: 'espalier_cached_prompt_tokens_total', value: answer.cachedTokens },
    { name: 'espalier_generation_tokens_total', value: answer.speculation.tokens },
    { name: 'espalier_spec_decode_num_drafts_total', value: steps },
    { name: 'espalier_spec_decode_num_draft_tokens_total', value: drafted },
    { name: 'espalier_spec_decode_num_accepted_tokens_total', value: accepted },
  ];
  for (const [source, tokens] of Object.entries(by_source)) {
    observations.push({
      name: 'espalier_spec_decode_accepted_by_source_total',
      labels: { source },
      value: tokens,
    });
  }
  tell(c, observations);
}

function tell(c: Context<AppEnv>, observations: readonly Observation[]): void {
  c.executionCtx.waitUntil(observe(c.env, observations));
}
