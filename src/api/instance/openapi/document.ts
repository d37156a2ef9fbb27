/**
 * The API as an OpenAPI 3.1 document. Requests are described by the very schemas
 * that check them, answers by those that their types come from; what fails follows
 * from what an operation takes.
 */
import { version } from '../../../../package.json';
import type { KeyScope } from '../../../store/schema.ts';
import { failureComponents, failuresOf, headerComponents, headersOf, isKept } from './failures.ts';
import { componentsOf, isRefused, type JsonSchema, querySchema, refOf } from './json-schema.ts';
import { JSON_TYPE, type Operation } from './operation.ts';
import { OPERATIONS } from './operations.ts';

const TAGS: Record<string, string> = {
  Chat: 'Answers from the documents.',
  Responses: 'Chat under its newer name.',
  Completions: 'Prompts continued as they are.',
  Embeddings: 'Vectors of texts, as searches compare them.',
  Files: 'What a tenant has uploaded.',
  'Vector stores': 'Sets of files that a chat or a search is pointed at.',
  'Files of a store': 'What is in a store, and how far its ingestion has come.',
  'File batches': 'Many files attached at once.',
  Models: 'The model that is served.',
  Instance: 'For those who run it.',
};

const PATH_PARAMETERS: Record<string, string> = {
  id: 'Its id.',
  store: 'The store’s id.',
  file: 'The file’s id.',
  batch: 'The batch’s id.',
};

let made: object | undefined;

/** Made when it is first asked for: it costs some milliseconds, and most isolates are never asked. */
export function openApiDocument(): object {
  made ??= {
    openapi: '3.1.1',
    info: {
      title: 'Espalier',
      version,
      summary: 'An OpenAI-compatible chat API that answers from your documents.',
      description:
        'OpenAI’s SDKs work as they are, with this instance’s `/v1` as their base URL. A field that would change an answer is honoured or refused by name; hints that are not known are ignored and named in `x-espalier-ignored`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This instance' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: pathsOf(OPERATIONS),
    components: {
      schemas: withoutLinks(withoutRefused(componentsOf(OPERATIONS))),
      responses: failureComponents(),
      headers: headerComponents(),
      parameters: {
        'idempotency-key': {
          name: 'idempotency-key',
          in: 'header',
          description:
            'A name of the caller’s own: the same request with it within a day gets the first one’s answer.',
          schema: { type: 'string', minLength: 1, maxLength: 255 },
        },
      },
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A key from `npx espalier key create`, with one of the scopes named. Programs on the machine of `npm start` need none.',
        },
      },
    },
  };
  return made;
}

function pathsOf(operations: readonly Operation[]) {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    const { path, method } = operation;
    paths[path] ??= parametersOf(path);
    paths[path][method] = toOpenApi(operation);
  }
  return paths;
}

function parametersOf(path: string): Record<string, object> {
  const names = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name!);
  if (names.length === 0) return {};
  return {
    parameters: names.map((name) => ({
      name,
      in: 'path',
      required: true,
      description: PATH_PARAMETERS[name],
      schema: { type: 'string' },
    })),
  };
}

function toOpenApi(operation: Operation) {
  const { id, tag, summary, description, scopes, body, form, answers } = operation;
  const parameters = parametersIn(operation);
  const given = body ?? form;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description && { description }),
    security: scopes.length === 0 ? [] : withAdmin(scopes).map((scope) => ({ key: [scope] })),
    ...(parameters.length > 0 && { parameters }),
    ...(given && {
      requestBody: {
        required: true,
        content: { [form ? 'multipart/form-data' : JSON_TYPE]: { schema: refOf(given) } },
      },
    }),
    responses: {
      200: {
        description: summary,
        headers: headersOf(operation),
        content: Object.fromEntries(
          Object.entries(answers).map(([type, schema]) => [
            type,
            { schema: schema ? refOf(schema) : { type: 'string' } },
          ]),
        ),
      },
      ...failuresOf(operation),
    },
  };
}

/** Those of its query and its headers. */
function parametersIn(operation: Operation): object[] {
  const parameters: object[] = Object.entries(operation.query?.entries ?? {}).map(
    ([name, entry]) => {
      const { description, ...schema } = querySchema(entry);
      return { name, in: 'query', description, schema };
    },
  );
  if (isKept(operation)) parameters.push({ $ref: '#/components/parameters/idempotency-key' });
  return parameters;
}

/** An admin may do everything that concerns its own tenant. */
function withAdmin(scopes: readonly KeyScope[]): readonly KeyScope[] {
  const hasAll = scopes.includes('admin') || scopes.includes('metrics');
  return hasAll ? scopes : [...scopes, 'admin'];
}

/** Without fields that are refused: clients made from the document should not offer them. */
function withoutRefused(components: Record<string, JsonSchema>): Record<string, JsonSchema> {
  for (const { properties = {} } of Object.values(components)) {
    for (const [name, field] of Object.entries(properties)) {
      if (typeof field === 'object' && isRefused(field)) delete properties[name];
    }
  }
  return components;
}

/** Descriptions with the texts of their links in place of the links, which only docs/api.md can follow. */
function withoutLinks<Value>(value: Value): Value {
  const text = JSON.stringify(value, (key, field: unknown) =>
    key === 'description' && typeof field === 'string'
      ? field.replace(/\[([^\]]+)\]\([^)]+\)/g, '$1')
      : field,
  );
  return JSON.parse(text);
}
