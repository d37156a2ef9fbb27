import { JSON_TYPE, type Operation } from '../instance/openapi/operation.ts';
import { responseRequestSchema } from './schema.ts';
import { response, responseEvent } from './wire.ts';

export const responsesOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/responses',
    id: 'createResponse',
    tag: 'Responses',
    summary: 'The same as chat under its newer name, whole or as a stream',
    description:
      'A stream’s events are named by their type, from `response.created` to `response.completed` or `response.incomplete`. One that fails half way ends with `error`.',
    scopes: ['chat'],
    body: responseRequestSchema,
    answers: { [JSON_TYPE]: response, 'text/event-stream': responseEvent },
    needsVerifier: true,
  },
];
