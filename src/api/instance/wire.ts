/** What the instance answers of itself: its model, its health, its documents. */
import * as v from 'valibot';
import type { ModelRecord } from '../../model/record.ts';
import { count, seconds } from '../wire.ts';

export const model = v.pipe(
  v.object({
    id: v.string(),
    object: v.literal('model'),
    created: seconds,
    owned_by: v.string(),
    max_context: v.pipe(count, v.description('Tokens of a prompt and its answer together.')),
    trained_context: v.pipe(count, v.description('Tokens that the model was trained with.')),
    fingerprint: v.object({ model: v.string(), tokenizer: v.string() }),
  }),
  v.title('Model'),
);

export const modelList = v.pipe(
  v.object({ object: v.literal('list'), data: v.array(model) }),
  v.title('ModelList'),
);

export function toModel(record: ModelRecord): v.InferOutput<typeof model> {
  return {
    id: record.id,
    object: 'model',
    created: 0,
    owned_by: 'espalier',
    max_context: record.maxContext,
    trained_context: record.trainedContext,
    fingerprint: record.fingerprint,
  };
}

/** With facts that depend on what is checked. */
const check = v.objectWithRest({ ok: v.boolean(), reason: v.optional(v.string()) }, v.unknown());
const checks = v.object({ database: check, verifier: check, documents: check });
/** Of what answers can do without. */
const partState = v.objectWithRest({ state: v.string() }, v.unknown());

export const live = v.pipe(v.object({ status: v.literal('ok') }), v.title('Live'));

export const ready = v.pipe(
  v.object({ status: v.picklist(['ok', 'unavailable']), checks }),
  v.title('Ready'),
);

export const health = v.pipe(
  v.object({
    status: v.picklist(['ok', 'degraded']),
    live: v.boolean(),
    ready: v.boolean(),
    checks,
    embedder: partState,
    passages: v.nullable(partState),
    draft_model: v.nullable(partState),
  }),
  v.title('Health'),
);

export const tenantDeleted = v.pipe(
  v.object({
    object: v.literal('tenant.deleted'),
    name: v.string(),
    deleted: v.literal(true),
  }),
  v.title('TenantDeleted'),
);

export const openApi = v.pipe(
  v.objectWithRest({ openapi: v.string() }, v.unknown()),
  v.title('OpenApiDocument'),
);
