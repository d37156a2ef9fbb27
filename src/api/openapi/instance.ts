/** The instance itself, told to those who call or run it. */
import * as v from 'valibot';
import { json, type Resource } from './operation.ts';
import { count, seconds } from './shared.ts';

const model = v.object({
  id: v.string(),
  object: v.literal('model'),
  created: seconds,
  owned_by: v.string(),
  max_context: count,
  trained_context: count,
  fingerprint: v.object({ model: v.string(), tokenizer: v.string() }),
});
const modelList = v.object({ object: v.literal('list'), data: v.array(model) });

/** With facts that depend on what is checked. */
const check = v.objectWithRest({ ok: v.boolean(), reason: v.optional(v.string()) }, v.unknown());
const checks = v.object({ database: check, verifier: check });
const live = v.object({ status: v.literal('ok') });
const ready = v.object({ status: v.picklist(['ok', 'unavailable']), checks });
/** Of what answers can do without. */
const partState = v.objectWithRest({ state: v.string() }, v.unknown());
const health = v.object({
  status: v.picklist(['ok', 'degraded']),
  live: v.boolean(),
  ready: v.boolean(),
  checks,
  embedder: partState,
  draft_model: v.nullable(partState),
});

const tenantDeleted = v.object({
  object: v.literal('tenant.deleted'),
  name: v.string(),
  deleted: v.literal(true),
});

const openApi = v.objectWithRest({ openapi: v.string() }, v.unknown());

export const instanceResource: Resource = {
  components: {
    Model: { schema: model },
    ModelList: { schema: modelList },
    Live: { schema: live },
    Ready: { schema: ready },
    Health: { schema: health },
    TenantDeleted: { schema: tenantDeleted },
    OpenApiDocument: { schema: openApi },
  },
  operations: [
    {
      method: 'get',
      path: '/v1/models',
      id: 'listModels',
      tag: 'Models',
      summary: 'Lists the model that is served',
      scopes: ['chat', 'ingest'],
      answers: json(modelList),
      needsVerifier: true,
    },
    {
      method: 'get',
      path: '/v1/models/{id}',
      id: 'getModel',
      tag: 'Models',
      summary: 'Gets a model',
      scopes: ['chat', 'ingest'],
      answers: json(model),
      needsVerifier: true,
    },
    {
      method: 'get',
      path: '/health',
      id: 'getHealth',
      tag: 'Instance',
      summary: 'Tells how the worker and its verifier are',
      scopes: [],
      answers: json(health),
    },
    {
      method: 'get',
      path: '/health/live',
      id: 'getLive',
      tag: 'Instance',
      summary: 'Tells that the worker answers',
      scopes: [],
      answers: json(live),
    },
    {
      method: 'get',
      path: '/health/ready',
      id: 'getReady',
      tag: 'Instance',
      summary: 'Tells whether questions can be answered; 503 with the same body if not',
      scopes: [],
      answers: json(ready),
    },
    {
      method: 'get',
      path: '/metrics',
      id: 'getMetrics',
      tag: 'Instance',
      summary: 'Counters and histograms in Prometheus’ text format',
      scopes: ['admin'],
      answers: { 'text/plain': null },
    },
    {
      method: 'get',
      path: '/openapi.json',
      id: 'getOpenApi',
      tag: 'Instance',
      summary: 'This document',
      scopes: [],
      answers: json(openApi),
    },
    {
      method: 'delete',
      path: '/v1/tenant',
      id: 'deleteTenant',
      tag: 'Instance',
      summary: 'Deletes the key’s own tenant with all it has',
      scopes: ['admin'],
      answers: json(tenantDeleted),
    },
  ],
};
