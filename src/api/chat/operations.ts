import { JSON_TYPE, type Operation } from '../instance/openapi/operation.ts';
import { chatRequestSchema } from './schema.ts';
import { chatCompletion, chatEvent } from './wire.ts';

export const chatOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/chat/completions',
    id: 'createChatCompletion',
    tag: 'Chat',
    summary: 'Answers from the documents, whole or as a stream',
    description:
      'A stream’s events are chunks, then `[DONE]`. One that fails half way ends with an error in place of a chunk.',
    scopes: ['chat'],
    body: chatRequestSchema,
    answers: { [JSON_TYPE]: chatCompletion, 'text/event-stream': chatEvent },
    needsVerifier: true,
  },
];
