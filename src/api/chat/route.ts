/** POST /v1/chat/completions, streaming and not. */
import { Hono } from 'hono';
import { eventStream } from '../answers/event-stream.ts';
import { openAnswers } from '../answers/open-answers.ts';
import { sendAnswers } from '../answers/send-answers.ts';
import { readBody } from '../body.ts';
import type { AppEnv } from '../context.ts';
import { ChatCompletion } from './completion.ts';
import { chatRequestSchema } from './schema.ts';
import { fieldPaths, toGeneration } from './to-generation.ts';

export const chat = new Hono<AppEnv>();

chat.post('/completions', async function createChatCompletion(c) {
  const body = await readBody(c, chatRequestSchema);
  const paths = fieldPaths(body);
  const answers = await openAnswers(c, body.model, paths, (model) =>
    toGeneration(c.env, c.var.tenant, body, model),
  );
  const completion = new ChatCompletion(answers, body);
  return sendAnswers(c, answers, paths, body.stream, {
    whole: () => completion.whole(),
    streamed: (stream) => eventStream(c, { ...stream, write: (send) => completion.stream(send) }),
  });
});
