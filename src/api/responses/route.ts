/** POST /v1/responses, streaming and not: answers in OpenAI's newer form. Nothing of them is kept. */
import { Hono } from 'hono';
import { namedEventStream } from '../answers/event-stream.ts';
import { openAnswers } from '../answers/open-answers.ts';
import { sendAnswers } from '../answers/send-answers.ts';
import { readBody } from '../body.ts';
import type { AppEnv } from '../context.ts';
import { ResponseAnswer, type ResponseEvent } from './response.ts';
import { responseRequestSchema } from './schema.ts';
import { fieldPaths, toGeneration } from './to-generation.ts';

export const responses = new Hono<AppEnv>();

responses.post('/', async function createResponse(c) {
  const body = await readBody(c, responseRequestSchema);
  const paths = fieldPaths(body);
  const answers = await openAnswers(c, body.model, paths, (model) =>
    toGeneration(c.env, c.var.tenant, body, model),
  );
  const response = new ResponseAnswer(answers[0]!, body);
  return sendAnswers(c, answers, paths, body.stream, {
    whole: () => response.whole(),
    streamed: (stream) =>
      namedEventStream<ResponseEvent>(c, { ...stream, write: (send) => response.stream(send) }),
  });
});
