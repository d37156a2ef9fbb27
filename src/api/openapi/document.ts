/**
 * The API as an OpenAPI 3.1 document: what docs/api.md says in words. Requests are
 * described by the very schemas that check them; what fails follows from what an
 * operation takes.
 */
import { version } from '../../../package.json';
import type { Scope } from '../../store/schema.ts';
import { answerComponents } from './answers.ts';
import { chatResource } from './chat.ts';
import { completionsResource } from './completions.ts';
import { embeddingsResource } from './embeddings.ts';
import { filesResource } from './files.ts';
import { instanceResource } from './instance.ts';
import { namedSchemas, querySchema, referenceTo } from './json-schema.ts';
import { type Component, JSON_TYPE, type Operation } from './operation.ts';
import { responsesResource } from './responses.ts';
import { sharedComponents } from './shared.ts';
import { storeFilesResource } from './store-files.ts';
import { vectorStoresResource } from './vector-stores.ts';

const RESOURCES = [
  chatResource,
  responsesResource,
  completionsResource,
  embeddingsResource,
  filesResource,
  vectorStoresResource,
  storeFilesResource,
  instanceResource,
];

const COMPONENTS: Readonly<Record<string, Component>> = Object.assign(
  {},
  sharedComponents,
  answerComponents,
  ...RESOURCES.map((one) => one.components),
);

const OPERATIONS: readonly Operation[] = RESOURCES.flatMap((one) => one.operations);

const TAGS: Record<string, string> = {
  Chat: 'Answers from the documents.',
  Responses: 'Chat under its newer name.',
  Completions: 'Prompts continued as they are.',
  Embeddings: 'Vectors of texts, as searches compare them.',
  Files: 'What a tenant has uploaded.',
  'Vector stores': 'Sets of files that a chat or a search is pointed at.',
  'Files of a store': 'What is in a store, and how far its reading has come.',
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

const FAILURES = {
  400: 'A field is wrong, unknown or not supported: `param` names it.',
  401: 'The key is missing, unknown or revoked.',
  403: 'The key lacks the scope.',
  404: 'Nothing of the caller’s has this id.',
  409: 'The idempotency key is in use, or was used for another request.',
  413: 'The body is too large.',
  429: 'The key’s rate or concurrency is reached.',
  500: 'The server failed; the request id names the log entry.',
  503: 'The verifier is away, or full.',
} as const;
type Failure = keyof typeof FAILURES;

/** Of every answer, of those to a key, and of refusals that pass. */
const HEADERS = {
  'x-request-id': 'Names the request in the log. The caller’s own where it sent a fitting one.',
  'openai-processing-ms': 'Until the answer began.',
  'x-ratelimit-limit-requests': 'Requests that the key may send a minute.',
  'x-ratelimit-remaining-requests': 'Of them, those left.',
  'x-ratelimit-reset-requests': 'Until all are there again, such as `12s`.',
  'retry-after': 'Seconds until the request may come again.',
  'retry-after-ms': 'The same in milliseconds.',
  'x-should-retry': 'Whether the same request has a chance: SDKs obey it.',
} as const;
type Header = keyof typeof HEADERS;

const ALWAYS: Header[] = ['x-request-id', 'openai-processing-ms'];
const TO_A_KEY: Header[] = [
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
];

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
        'OpenAI’s SDKs work as they are, with this instance’s `/v1` as their base URL. A field that is not supported is refused by name and never ignored.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This instance' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: pathsOf(OPERATIONS),
    components: {
      schemas: namedSchemas(COMPONENTS),
      responses: Object.fromEntries(
        Object.entries(FAILURES).map(([status, description]) => [
          failureName(status),
          {
            description,
            headers: headersOf(failureHeaders(Number(status))),
            content: { [JSON_TYPE]: { schema: { $ref: referenceTo('Error') } } },
          },
        ]),
      ),
      headers: Object.fromEntries(
        Object.entries(HEADERS).map(([name, description]) => [
          name,
          { description, schema: { type: 'string' } },
        ]),
      ),
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
  const { id, tag, summary, description, scopes, body, form, query, answers } = operation;
  const parameters: object[] = Object.entries(query?.entries ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    schema: querySchema(schema),
  }));
  if (isKept(operation)) parameters.push({ $ref: '#/components/parameters/idempotency-key' });
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
        content: { [form ? 'multipart/form-data' : JSON_TYPE]: { schema: reference(given) } },
      },
    }),
    responses: {
      200: {
        description: summary,
        headers: headersOf(isLimited(operation) ? [...ALWAYS, ...TO_A_KEY] : ALWAYS),
        content: Object.fromEntries(
          Object.entries(answers).map(([type, schema]) => [
            type,
            { schema: schema ? reference(schema) : { type: 'string' } },
          ]),
        ),
      },
      ...Object.fromEntries(
        failuresOf(operation).map((status) => [
          status,
          { $ref: `#/components/responses/${failureName(status)}` },
        ]),
      ),
    },
  };
}

/** What can go wrong follows from what an operation takes and needs. */
function failuresOf(operation: Operation): Failure[] {
  const takes = operation.body ?? operation.form;
  const failures: [Failure, unknown][] = [
    [400, takes || operation.query],
    [401, operation.scopes.length > 0],
    [403, operation.scopes.length > 0],
    [404, operation.path.includes('{') || operation.needsVerifier],
    [409, isKept(operation)],
    [413, takes],
    [429, isLimited(operation)],
    [500, true],
    [503, operation.needsVerifier],
  ];
  return failures.filter(([, can]) => can).map(([status]) => status);
}

const isLimited = ({ path }: Operation) => path.startsWith('/v1/');

/** Whether its answer is kept for an `idempotency-key`. */
const isKept = (operation: Operation) => isLimited(operation) && operation.method === 'post';

const failureName = (status: number | string) => `Failure${status}`;

function failureHeaders(status: number): Header[] {
  if (status === 429) return [...ALWAYS, ...TO_A_KEY, 'retry-after', 'retry-after-ms'];
  if (status === 503) return [...ALWAYS, 'retry-after', 'retry-after-ms', 'x-should-retry'];
  return status === 409 ? [...ALWAYS, 'x-should-retry'] : ALWAYS;
}

function headersOf(names: readonly Header[]) {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function withAdmin(scopes: readonly Scope[]): readonly Scope[] {
  return scopes.includes('admin') ? scopes : [...scopes, 'admin'];
}

function reference(schema: object) {
  const name = Object.keys(COMPONENTS).find((key) => COMPONENTS[key]?.schema === schema);
  if (name === undefined) throw new Error('an operation has a schema without a name');
  return { $ref: referenceTo(name) };
}
