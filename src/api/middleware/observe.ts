/**
 * What is counted and logged about requests and answers. Neither ever holds a key,
 * a prompt or an answer; labels no id either.
 */
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import type { Answer } from '../../generate/answer.ts';
import { namedCounts } from '../../generate/answer-stats.ts';
import type { Observation } from '../../meter/metric-names.ts';
import { observe as record } from '../../meter/metrics.ts';
import type { AppEnv } from '../context.ts';

/**
 * Logs and counts every request, by its route's pattern: paths hold ids.
 *
 * @example
 * app.use(requestId(), observe());
 */
export function observe() {
  return createMiddleware<AppEnv>(async function observe(c, next) {
    await next();
    const ms = Date.now() - c.var.startedAt;
    const route = routePath(c, -1);
    const { method } = c.req;
    const status = c.res.status;
    log(c, 'request', { method, route, status, ms });
    count(c, [
      {
        name: 'espalier_http_requests_total',
        labels: { route, method, status: String(status) },
        value: 1,
      },
      { name: 'espalier_http_request_seconds', labels: { route }, value: ms / 1000 },
    ]);
  });
}

/** Counts an answer that has ended, complete or not. */
export function observeAnswer(c: Context<AppEnv>, answer: Answer): void {
  const { stats } = answer;
  const { promptTokens, cachedTokens, completionTokens, draftModel } = answer.usage();
  const { steps, drafted, accepted, firstAt, msPerToken } = stats;
  const finish = answer.isComplete ? answer.finishReason : 'broken';
  const firstMs = firstAt === null ? null : firstAt - c.var.startedAt;
  log(c, 'answer', {
    finish,
    prompt_tokens: promptTokens,
    cached_tokens: cachedTokens,
    completion_tokens: completionTokens,
    steps,
    first_token_ms: firstMs,
    ms: Date.now() - c.var.startedAt,
  });
  const observations: Observation[] = [
    ...answer.memoryObservations(),
    { name: 'espalier_answers_total', labels: { finish }, value: 1 },
    { name: 'espalier_prompt_tokens_total', value: promptTokens },
    { name: 'espalier_cached_prompt_tokens_total', value: cachedTokens },
    { name: 'espalier_generation_tokens_total', value: completionTokens },
    { name: 'espalier_spec_decode_num_drafts_total', value: steps },
    { name: 'espalier_spec_decode_num_draft_tokens_total', value: drafted },
    { name: 'espalier_spec_decode_num_accepted_tokens_total', value: accepted },
  ];
  for (const [source, tokens] of Object.entries(namedCounts(stats.bySource))) {
    observations.push({
      name: 'espalier_spec_decode_accepted_by_source_total',
      labels: { source },
      value: tokens,
    });
  }
  for (const [position, times] of stats.acceptedAt.entries()) {
    observations.push({
      name: 'espalier_spec_decode_num_accepted_tokens_per_pos_total',
      labels: { position: String(position) },
      value: times,
    });
  }
  if (firstMs !== null) {
    observations.push({ name: 'espalier_time_to_first_token_seconds', value: firstMs / 1000 });
  }
  if (msPerToken !== null) {
    const name = 'espalier_time_per_output_token_seconds';
    observations.push({ name, value: msPerToken / 1000 });
  }
  count(c, [...observations, ...ofDraftModel(draftModel)]);
}

function ofDraftModel(used: ReturnType<Answer['usage']>['draftModel']): Observation[] {
  if (!used) return [];
  return [
    { name: 'espalier_draft_model_turns_total', labels: { state: used.state }, value: 1 },
    { name: 'espalier_draft_model_passes_total', value: used.passes },
    { name: 'espalier_draft_model_seconds_total', value: used.spent_ms / 1000 },
  ];
}

/** Counts what a request's answers waited for until they began, in milliseconds. */
export function observeWaits(c: Context<AppEnv>, waits: Record<'preparation' | 'slot', number>) {
  count(
    c,
    Object.entries(waits).map(([reason, ms]) => ({
      name: 'espalier_wait_seconds',
      labels: { reason },
      value: ms / 1000,
    })),
  );
}

/** Counts a request that its key's limits refused. */
export function observeRefusal(c: Context<AppEnv>, reason: 'rate' | 'concurrency'): void {
  count(c, [{ name: 'espalier_limiter_refusals_total', labels: { reason }, value: 1 }]);
}

/** One line of JSON. The tenant is its number, which means nothing outside of the database. */
function log(c: Context<AppEnv>, event: string, facts: object): void {
  if (c.env.REQUEST_LOG === 'off') return;
  const entry = { event, request_id: c.var.requestId, tenant: c.var.tenant?.id ?? null };
  console.log(JSON.stringify({ ...entry, ...facts }));
}

function count(c: Context<AppEnv>, observations: readonly Observation[]): void {
  c.executionCtx.waitUntil(record(c.env, observations));
}
