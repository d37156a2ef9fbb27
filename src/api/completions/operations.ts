import { JSON_TYPE, type Operation } from '../instance/openapi/operation.ts';
import { completionRequestSchema } from './schema.ts';
import { completion, completionEvent } from './wire.ts';

export const completionsOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/completions',
    id: 'createCompletion',
    tag: 'Completions',
    summary: 'Continues prompts as they are, whole or as a stream',
    description: 'A stream’s events are chunks, then `[DONE]`.',
    scopes: ['chat'],
    body: completionRequestSchema,
    answers: { [JSON_TYPE]: completion, 'text/event-stream': completionEvent },
    needsVerifier: true,
  },
];
