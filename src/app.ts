import { Hono } from 'hono';
import { authenticate } from './api/authenticate.ts';
import { chat } from './api/chat.ts';
import type { AppEnv } from './api/context.ts';
import { ApiFailure, notFound, toResponse, unavailable } from './api/errors.ts';
import { fileBatches } from './api/file-batches.ts';
import { files } from './api/files.ts';
import { health } from './api/health.ts';
import { models } from './api/models.ts';
import { requestId } from './api/request-id.ts';
import { storeSearch } from './api/search.ts';
import { vectorStoreFiles } from './api/vector-store-files.ts';
import { vectorStores } from './api/vector-stores.ts';
import { ModelUnavailable } from './store/model.ts';

export const app = new Hono<AppEnv>();

app.use(requestId);
app.route('/health', health);

app.use('/v1/*', authenticate);
app.route('/v1/chat', chat);
app.route('/v1/models', models);
app.route('/v1/files', files);
app.route('/v1/vector_stores', vectorStores);
app.route('/v1/vector_stores', vectorStoreFiles);
app.route('/v1/vector_stores', fileBatches);
app.route('/v1/vector_stores', storeSearch);

app.notFound(function noRoute(c) {
  return toResponse(notFound(`no route ${c.req.method} ${c.req.path}`).error);
});

app.onError(function failed(error, c) {
  if (error instanceof ApiFailure) return toResponse(error.error);
  if (error instanceof ModelUnavailable) return toResponse(unavailable(error.message).error);
  const entry = { event: 'failed', request_id: c.var.requestId, path: c.req.path };
  console.error(JSON.stringify({ ...entry, error: error.stack ?? String(error) }));
  return toResponse({ kind: 'internal' });
});
