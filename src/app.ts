import { Hono } from 'hono';
import { noVerifier } from './api/answers/failure.ts';
import { chat } from './api/chat/route.ts';
import { completions } from './api/completions/route.ts';
import type { AppEnv } from './api/context.ts';
import { embeddings } from './api/embeddings/route.ts';
import { ApiFailure, notFound, toResponse } from './api/errors.ts';
import { files } from './api/files/route.ts';
import { health, live } from './api/instance/health.ts';
import { metrics, models, openApi, tenant } from './api/instance/route.ts';
import { allow, authenticate } from './api/middleware/authenticate.ts';
import { crossOrigin } from './api/middleware/cors.ts';
import { departing } from './api/middleware/departing.ts';
import { idempotent } from './api/middleware/idempotent.ts';
import { limit } from './api/middleware/limit.ts';
import { observe } from './api/middleware/observe.ts';
import { requestId } from './api/middleware/request-id.ts';
import { responses } from './api/responses/route.ts';
import { fileBatches } from './api/vector-stores/file-batches.ts';
import { vectorStoreFiles } from './api/vector-stores/files.ts';
import { vectorStores } from './api/vector-stores/route.ts';
import { storeSearch } from './api/vector-stores/search.ts';
import { ModelUnavailable } from './model/record.ts';
import { loggable } from './store/loggable.ts';

export const app = new Hono<AppEnv>();

app.use(requestId(), crossOrigin());
// Looked at every second or two: to log and count that would take longer than to answer.
app.route('/health/live', live);
app.use(observe());
app.route('/health', health);

app.use('/local/left', departing());
app.use('/v1/*', departing(), authenticate(), limit());
// Scopes come before kept answers: a key gets no answer that it could not have asked for.
app.use('/v1/chat/*', allow('chat'), idempotent());
app.use('/v1/responses', allow('chat'), idempotent());
app.use('/v1/completions', allow('chat'), idempotent());
app.use('/v1/embeddings', allow('chat', 'ingest'), idempotent());
app.use('/v1/models/*', allow('chat', 'ingest'));
app.use('/v1/files/*', allow('ingest'), idempotent());

app.route('/v1/chat', chat);
app.route('/v1/responses', responses);
app.route('/v1/completions', completions);
app.route('/v1/embeddings', embeddings);
app.route('/v1/models', models);
app.route('/v1/files', files);
// Searching answers here; all else about stores needs the scope that comes after it.
app.use('/v1/vector_stores/:store/search', allow('chat', 'ingest'), idempotent());
app.route('/v1/vector_stores', storeSearch);
app.use('/v1/vector_stores/*', allow('ingest'), idempotent());
app.route('/v1/vector_stores', vectorStores);
app.route('/v1/vector_stores', vectorStoreFiles);
app.route('/v1/vector_stores', fileBatches);

app.use('/v1/tenant', allow('admin'));
app.route('/v1/tenant', tenant);

app.use('/metrics', authenticate(), allow('metrics'));
app.route('/metrics', metrics);

app.route('/openapi.json', openApi);

app.notFound(function noRoute(c) {
  return toResponse(notFound([], `no route ${c.req.method} ${c.req.path}`).error);
});

app.onError(function failed(error, c) {
  if (error instanceof ApiFailure) return toResponse(error.error);
  if (error instanceof ModelUnavailable) return toResponse(noVerifier(error).error);
  const entry = { event: 'failed', request_id: c.var.requestId, path: c.req.path };
  console.error(JSON.stringify({ ...entry, error: loggable(error) }));
  return toResponse({ kind: 'internal' });
});
