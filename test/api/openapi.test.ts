/** The OpenAPI document says what the service does: every route, every scope, and answers as they come. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { SCOPES } from '../../src/store/schema.ts';
import { createKey, createKeys } from '../support/keys.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';

// Only the table of routes is read off the app here: what runs on the platform runs in the service.
vi.mock('cloudflare:workers', () => ({ DurableObject: class {} }));
vi.mock('../../models/draft/edge.onnx', () => ({ default: new ArrayBuffer(0) }));
// It puts itself in the place of WebAssembly's loader, also for other files of this process.
vi.mock('../../src/onnx/runtime.ts', () => ({
  createSession: null,
  heapBytes: null,
  Tensor: null,
}));

interface OperationObject {
  operationId: string;
  security: { key: string[] }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { $ref?: string; content?: Record<string, { schema: Schema }> }>;
}
type Schema = Record<string, unknown>;
type Method = 'get' | 'post' | 'delete';

let service: SharedService;
let document: {
  paths: Record<string, Partial<Record<Method, OperationObject>>>;
  components: { schemas: Record<string, Schema> };
};

beforeAll(async () => {
  service = await sharedService({ demo: false });
  document = await (await fetch(`${service.url}/openapi.json`)).json();
});

/** Operations as `[method, path, operation]`. */
function operations() {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    (['get', 'post', 'delete'] as const).flatMap((method) => {
      const operation = item[method];
      return operation ? [{ method, path, operation }] : [];
    }),
  );
}

test('it has every route of the app, and no other', async () => {
  // Its types are the worker's, which these are not.
  const { app } = await vi.importActual<{ app: { routes: { method: string; path: string }[] } }>(
    '../../src/app.ts',
  );
  const routes = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => {
      const written = path.replace(/:(\w+)(?:\{.+?\})?/g, '{$1}');
      return `${method.toLowerCase()} ${written}`;
    });
  const told = operations().map(({ method, path }) => `${method} ${path}`);
  expect(told.sort()).toEqual(routes.sort());
});

test('it is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(validator.version).toBe('3.1');
});

test('every field of a request is in docs/api.md', () => {
  const told = readFileSync(join(import.meta.dirname, '../../docs/api.md'), 'utf8');
  const bodies = operations().flatMap(({ operation }) =>
    Object.values(operation.requestBody?.content ?? {}).map(({ schema }) => schema),
  );
  const fields = bodies.flatMap((schema) => {
    const name = /[^/]+$/.exec(String(schema.$ref ?? ''))?.[0];
    const { properties } = name ? document.components.schemas[name]! : schema;
    return Object.keys(properties ?? {});
  });
  expect(fields.length).toBeGreaterThan(50);
  const untold = fields.filter((field) => !new RegExp(`[\`".]${field}\\b`).test(told));
  expect(untold).toEqual([]);
});

test('its scopes are those that open the routes', async () => {
  const keys = await createKeys(
    service.databases,
    ...SCOPES.map((scope) => ({ tenant: `scoped-${scope}`, scopes: [scope] })),
  );
  for (const [index, scope] of SCOPES.entries()) {
    const key = keys[index]!;
    for (const { method, path, operation } of operations()) {
      // The key's own tenant goes last, or its key would go with it.
      if (operation.operationId === 'deleteTenant' && scope === 'admin') continue;
      const { status, body } = await call(method, path.replaceAll(/\{\w+\}/g, 'none'), { key });
      const opens =
        operation.security.length === 0 ||
        operation.security.some((one) => one.key.includes(scope));
      expect({ scope, method, path, refused: status === 403 }, JSON.stringify(body)).toEqual({
        scope,
        method,
        path,
        refused: !opens,
      });
    }
  }
});

interface Answer {
  status: number;
  type: string;
  text: string;
  body: Record<string, unknown> & { id: string };
}

async function call(
  method: Method,
  path: string,
  { key, json, form }: { key?: string; json?: unknown; form?: FormData } = {},
): Promise<Answer> {
  const response = await fetch(service.url + path, {
    method: method.toUpperCase(),
    headers: {
      ...(key && { authorization: `Bearer ${key}` }),
      ...(json !== undefined && { 'content-type': 'application/json' }),
    },
    ...(form && { body: form }),
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  return {
    status: response.status,
    type,
    text,
    body: type.includes('json') ? JSON.parse(text) : {},
  };
}

describe('answers are what it says', () => {
  let ajv: Ajv2020;
  const recorded = new Set<string>();

  beforeAll(() => {
    ajv = new Ajv2020({ strict: false, allErrors: true, formats: { binary: true } });
    ajv.addSchema({ $id: 'document', components: closed(document.components) });
  });

  /** No field may come that is not told; clients are not held to that, so the document doesn't say it. */
  function closed(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(closed);
    const copy = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, closed(v)]));
    const open = copy.type === 'object' && copy.properties && !('additionalProperties' in copy);
    return open ? { ...copy, additionalProperties: false } : copy;
  }

  function expectFits(schema: Schema, value: unknown, what: string): void {
    const reference = `document${String(schema.$ref)}`;
    const validate = ajv.getSchema(reference);
    expect(validate, reference).toBeDefined();
    validate!(value);
    expect({ what, errors: validate!.errors }).toEqual({ what, errors: null });
  }

  /** Calls an operation and holds its answer to the document. */
  async function record(id: string, path: string, options?: Parameters<typeof call>[2]) {
    const found = operations().find(({ operation }) => operation.operationId === id)!;
    expect(path.split('?')[0]).toMatch(
      new RegExp(`^${found.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    );
    const answer = await call(found.method, path, options);
    expect({ id, status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
    const schema = found.operation.responses['200']!.content![answer.type]!.schema;
    if (answer.type === 'text/event-stream') {
      const events = [...answer.text.matchAll(/^data: (\{.*)$/gm)].map(([, data]) => data!);
      expect(events.length).toBeGreaterThan(2);
      for (const event of events) expectFits(schema, JSON.parse(event), id);
    } else if (schema.$ref) {
      expectFits(schema, answer.body, id);
    }
    recorded.add(id);
    return answer.body;
  }

  test('of every operation', async () => {
    const form = new FormData();
    form.set('purpose', 'assistants');
    form.set('file', new File(['# Pears\n\nPears are pruned in late winter.'], 'pears.md'));
    const { id: file } = await record('uploadFile', '/v1/files', { form });
    await record('listFiles', '/v1/files?limit=1&order=asc');
    await record('getFile', `/v1/files/${file}`);
    await record('getFileContent', `/v1/files/${file}/content`);

    const { id: store } = await record('createVectorStore', '/v1/vector_stores', {
      json: { name: 'garden', expires_after: { anchor: 'last_active_at', days: 1 } },
    });
    const inStore = `/v1/vector_stores/${store}`;
    await record('attachFile', `${inStore}/files`, {
      json: { file_id: file, attributes: { fruit: 'pear' } },
    });
    const attached = () => record('getStoreFile', `${inStore}/files/${file}`);
    await expect.poll(async () => (await attached()).status).toBe('completed');
    await record('listStoreFiles', `${inStore}/files?filter=completed`);
    await record('modifyStoreFile', `${inStore}/files/${file}`, { json: { attributes: null } });
    await record('getStoreFileContent', `${inStore}/files/${file}/content`);
    await record('modifyVectorStore', inStore, { json: { metadata: { made_by: 'a test' } } });
    await record('getVectorStore', inStore);
    await record('listVectorStores', '/v1/vector_stores');
    await record('searchVectorStore', `${inStore}/search`, { json: { query: 'pruned pears' } });

    const question = {
      messages: [{ role: 'user', content: 'When are pears pruned?' }],
      vector_store_ids: [store],
      max_tokens: 24,
      speculation: { stats: true, trace: true },
    };
    await record('createChatCompletion', '/v1/chat/completions', { json: question });
    await record('createChatCompletion', '/v1/chat/completions', {
      json: { ...question, stream: true, stream_options: { include_usage: true } },
    });
    const input = {
      input: 'When are pears pruned?',
      tools: [{ type: 'file_search', vector_store_ids: [store] }],
      include: ['file_search_call.results', 'message.output_text.logprobs'],
      top_logprobs: 1,
      max_output_tokens: 24,
      speculation: { stats: true },
    };
    await record('createResponse', '/v1/responses', { json: input });
    await record('createResponse', '/v1/responses', { json: { ...input, stream: true } });
    const prompt = { prompt: 'Pears are', n: 2, echo: true, speculation: { stats: true } };
    await record('createCompletion', '/v1/completions', { json: prompt });
    await record('createCompletion', '/v1/completions', { json: { ...prompt, stream: true } });
    const texts = { model: 'espalier-embed-1', input: ['pears', 'plums'] };
    await record('createEmbeddings', '/v1/embeddings', { json: texts });
    await record('createEmbeddings', '/v1/embeddings', {
      json: { ...texts, encoding_format: 'base64' },
    });

    const { id: batch } = await record('createFileBatch', `${inStore}/file_batches`, {
      json: { file_ids: [file] },
    });
    await record('getFileBatch', `${inStore}/file_batches/${batch}`);
    await record('listFileBatch', `${inStore}/file_batches/${batch}/files`);
    await record('cancelFileBatch', `${inStore}/file_batches/${batch}/cancel`);

    await record('detachFile', `${inStore}/files/${file}`);
    await record('deleteVectorStore', inStore);
    await record('deleteFile', `/v1/files/${file}`);

    await record('listModels', '/v1/models');
    await record('getModel', `/v1/models/${service.model}`);
    await record('getHealth', '/health');
    await record('getLive', '/health/live');
    await record('getReady', '/health/ready');
    await record('getMetrics', '/metrics');
    await record('getOpenApi', '/openapi.json');
    const key = await createKey(service.databases, 'leaving', { scopes: ['admin'] });
    await record('deleteTenant', '/v1/tenant', { key });

    // One that was added without a call here is not known to answer as it says.
    const told = operations().map(({ operation }) => operation.operationId);
    expect([...recorded].sort()).toEqual(told.sort());
  });

  test('errors too, with a status that is documented', async () => {
    const error = { $ref: '#/components/schemas/Error' };
    const refused: [string, Method, string, Parameters<typeof call>[2], number][] = [
      ['createChatCompletion', 'post', '/v1/chat/completions', { json: { messages: 1 } }, 400],
      ['createChatCompletion', 'post', '/v1/chat/completions', { key: 'esp_none', json: {} }, 401],
      ['getFile', 'get', '/v1/files/none', {}, 404],
      ['createEmbeddings', 'post', '/v1/embeddings', { json: { model: 'x'.repeat(3e6) } }, 413],
    ];
    for (const [id, method, path, options, status] of refused) {
      const answer = await call(method, path, options);
      expect(answer.status).toBe(status);
      expectFits(error, answer.body, path);
      const told = operations().find(({ operation }) => operation.operationId === id)!;
      expect(Object.keys(told.operation.responses)).toContain(String(status));
    }
  });
});
