/** POST /v1/completions: prompts continued as they are, streaming and not. */
import { Hono } from 'hono';
import { loadModel } from '../../model/record.ts';
import { eventStream } from '../answers/event-stream.ts';
import { requireStores } from '../answers/grounding.ts';
import { openAnswers } from '../answers/open-answers.ts';
import { sendAnswers } from '../answers/send-answers.ts';
import { readBody } from '../body.ts';
import type { AppEnv } from '../context.ts';
import { Completion } from './completion.ts';
import { completionRequestSchema } from './schema.ts';
import { createSuggestions } from './suggestions.ts';
import { fieldPaths, promptsOf, toGeneration } from './to-generation.ts';

export const completions = new Hono<AppEnv>();

completions.post('/', async function createCompletion(c) {
  const body = await readBody(c, completionRequestSchema);
  if (body.suggest) return createSuggestions(c, body, await loadModel(c.env));
  const paths = fieldPaths(body);
  let prompts: string[] = [];
  const answers = await openAnswers(c, body.model, paths, async (model) => {
    const raw = await promptsOf(body, model);
    prompts = raw.map(({ text }) => text);
    const storeIds = await requireStores(c.env, c.var.tenant, body.vector_store_ids);
    return toGeneration(body, model, raw, storeIds);
  });
  const completion = new Completion(answers, body, prompts);
  return sendAnswers(c, answers, paths, body.stream, {
    whole: () => completion.whole(),
    streamed: (stream) => eventStream(c, { ...stream, write: (send) => completion.stream(send) }),
  });
});
