import { Hono } from 'hono';
import { allow, authenticate } from './api/authenticate.ts';
import { chat } from './api/chat.ts';
import { completions } from './api/completions.ts';
import type { AppEnv } from './api/context.ts';
import { crossOrigin } from './api/cross-origin.ts';
import { embeddings } from './api/embeddings.ts';
import { ApiFailure, notFound, toResponse } from './api/errors.ts';
import { fileBatches } from './api/file-batches.ts';
import { files } from './api/files.ts';
import { health } from './api/health.ts';
import { idempotent } from './api/idempotent.ts';
import { limit } from './api/limit.ts';
import { metrics, observeRequests } from './api/metrics.ts';
import { models } from './api/models.ts';
import { openApiDocument } from './api/openapi/document.ts';
import { requestId } from './api/request-id.ts';
import { responses } from './api/responses.ts';
import { storeSearch } from './api/search.ts';
import { tenant } from './api/tenant.ts';
import { noVerifier } from './api/turn-failure.ts';
import { vectorStoreFiles } from './api/vector-store-files.ts';
import { vectorStores } from './api/vector-stores.ts';
import { loggable } from './store/loggable.ts';
import { ModelUnavailable } from './store/model.ts';

export const app = new Hono<AppEnv>();

app.use(requestId, crossOrigin, observeRequests);
app.route('/health', health);

app.use('/v1/*', authenticate, limit);
// Scopes come before kept answers: a key gets no answer that it could not have asked for.
app.use('/v1/chat/*', allow('chat'), idempotent);
app.use('/v1/responses', allow('chat'), idempotent);
app.use('/v1/completions', allow('chat'), idempotent);
app.use('/v1/embeddings', allow('chat', 'ingest'), idempotent);
app.use('/v1/models/*', allow('chat', 'ingest'));
app.use('/v1/files/*', allow('ingest'), idempotent);

app.route('/v1/chat', chat);
app.route('/v1/responses', responses);
app.route('/v1/completions', completions);
app.route('/v1/embeddings', embeddings);
app.route('/v1/models', models);
app.route('/v1/files', files);
// Searching answers here; all else about stores needs the scope that comes after it.
app.use('/v1/vector_stores/:store/search', allow('chat', 'ingest'), idempotent);
app.route('/v1/vector_stores', storeSearch);
app.use('/v1/vector_stores/*', allow('ingest'), idempotent);
app.route('/v1/vector_stores', vectorStores);
app.route('/v1/vector_stores', vectorStoreFiles);
app.route('/v1/vector_stores', fileBatches);

app.use('/v1/tenant', allow('admin'));
app.route('/v1/tenant', tenant);

app.use('/metrics', authenticate, allow('admin'));
app.route('/metrics', metrics);

app.get('/openapi.json', function describeApi(c) {
  return c.json(openApiDocument());
});

app.notFound(function noRoute(c) {
  return toResponse(notFound(`no route ${c.req.method} ${c.req.path}`).error);
});

app.onError(function failed(error, c) {
  if (error instanceof ApiFailure) return toResponse(error.error);
  if (error instanceof ModelUnavailable) return toResponse(noVerifier(error).error);
  const entry = { event: 'failed', request_id: c.var.requestId, path: c.req.path };
  console.error(JSON.stringify({ ...entry, error: loggable(error) }));
  return toResponse({ kind: 'internal' });
});
