/** POST /v1/completions: prompts continued as they are, streaming and not. */
import { Hono } from 'hono';
import type { Answer, AnswerRequest } from '../../generate/answer.ts';
import type { TokenLogprobs } from '../../generate/token-logprobs.ts';
import { loadModel, type ModelRecord } from '../../model/record.ts';
import { withServedModel } from '../../model/served-model.ts';
import { newId } from '../../store/ids.ts';
import {
  drawingOf,
  requireRoom,
  requireStores,
  seedOfChoice,
  startAll,
} from '../answers/answering.ts';
import { deliver } from '../answers/deliver.ts';
import { completionLogprobs } from '../answers/logprobs.ts';
import { together } from '../answers/together.ts';
import { turnFailure } from '../answers/turn-failure.ts';
import { usageOf } from '../answers/usage.ts';
import { readBody } from '../body.ts';
import type { AppEnv } from '../context.ts';
import { eventStream, type Send } from '../event-stream.ts';
import { requireModel } from '../instance/models.ts';
import { requireConcurrency } from '../middleware/limit.ts';
import {
  type CompletionRequest,
  completionRequestSchema,
  promptsOf,
  type RawPrompt,
  requireConsistent,
} from './schema.ts';
import { createSuggestions } from './suggestions.ts';

export const completions = new Hono<AppEnv>();

completions.post('/', async function createCompletion(c) {
  const body = await readBody(c, completionRequestSchema);
  if (body.suggest) return createSuggestions(c, body, await loadModel(c.env));
  const { model, prompts, answers } = await withServedModel(c.env, async (model) => {
    if (body.model !== undefined) requireModel(model, body.model);
    const prompts = await promptsOf(body, model);
    requireConsistent(body, prompts.length);
    await requireConcurrency(c, prompts.length * body.n, [body.n > 1 ? 'n' : 'prompt']);
    requireRoom(model, body.max_tokens);
    const tenant = c.get('tenant');
    const storeIds = await requireStores(c.env, tenant, body.vector_store_ids);
    const requests = prompts.flatMap((prompt) => requestsFor(prompt, body, model, storeIds));
    return { model, prompts, answers: await startAll(c.env, tenant, model, requests) };
  }).catch((error: unknown) => {
    throw turnFailure(error, 'prompt');
  });
  const completion: Completion = {
    body,
    answers,
    echoed: answers.map((_, i) => (body.echo ? prompts[Math.floor(i / body.n)]!.text : '')),
    head: {
      id: newId('cmpl-'),
      object: 'text_completion',
      created: Math.floor(Date.now() / 1000),
      model: model.id,
    },
  };
  return deliver(
    c,
    answers,
    body.stream,
    () => whole(completion),
    (ending) =>
      eventStream(c, {
        ...ending,
        say: (send) => streamed(send, completion),
        failure: (error) => turnFailure(error, 'prompt'),
      }),
  );
});

interface Completion {
  body: CompletionRequest;
  /** The choices of the first prompt, then those of the next. */
  answers: Answer[];
  /** What each begins with: its prompt, where the request says so. */
  echoed: string[];
  head: { id: string; object: 'text_completion'; created: number; model: string };
}

/** One for each choice. A prompt draws the same alone as in a list. */
function requestsFor(
  { tokens }: RawPrompt,
  body: CompletionRequest,
  model: ModelRecord,
  storeIds: readonly string[],
): AnswerRequest[] {
  const drawing = drawingOf(body, model);
  return Array.from({ length: body.n }, (_, choice) => ({
    ...drawing,
    messages: [],
    query: '',
    prompt: tokens,
    storeIds,
    logprobs: body.logprobs ?? null,
    maxTokens: body.max_tokens,
    seed: seedOfChoice(drawing.seed, choice),
  }));
}

async function whole({ body, answers, echoed, head }: Completion) {
  try {
    const choices = await together(answers, async (answer, index) => {
      let text = echoed[index]!;
      const told: TokenLogprobs[] = [];
      for await (const { pieces, logprobs } of answer.steps()) {
        for (const piece of pieces) text += piece.text;
        told.push(...logprobs);
      }
      const logprobs =
        body.logprobs == null ? null : completionLogprobs(answer.model, told, body.logprobs);
      return { text, index, logprobs, finish_reason: answer.finish() };
    });
    return { ...head, choices, usage: usageOf(answers, body.speculation, body.n) };
  } catch (error) {
    throw turnFailure(error, 'prompt');
  }
}

async function streamed(send: Send, { body, answers, echoed, head }: Completion) {
  const { speculation, stream_options, n } = body;
  const withUsage = stream_options?.include_usage || speculation.stats || speculation.transfer > 0;

  function say(index: number, text: string, more: object = {}): Promise<void> {
    const choice = { text, index, logprobs: null, finish_reason: null, ...more };
    return send({ ...head, choices: [choice] });
  }

  await together(answers, async (answer, index) => {
    if (echoed[index]) await say(index, echoed[index]);
    for await (const { pieces, logprobs } of answer.steps()) {
      const text = pieces.map((piece) => piece.text).join('');
      const told = completionLogprobs(answer.model, logprobs, body.logprobs ?? 0);
      if (logprobs.length > 0) await say(index, text, { logprobs: told });
      else if (text !== '') await say(index, text);
    }
    await say(index, '', { finish_reason: answer.finish() });
  });
  if (withUsage) await send({ ...head, choices: [], usage: usageOf(answers, speculation, n) });
}
