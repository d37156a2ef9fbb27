/** POST /v1/chat/completions, streaming and not. */
import { Hono } from 'hono';
import { type Answer, type AnswerRequest, startAnswers } from '../generate/answer.ts';
import { withServedModel } from '../generate/served-model.ts';
import type { Step } from '../generate/text-stream.ts';
import type { TokenLogprobs } from '../generate/token-logprobs.ts';
import { LinkFailure } from '../link/failure.ts';
import { newId } from '../store/ids.ts';
import { loadModel, type ModelRecord } from '../store/model.ts';
import { drawingOf, ended, requireRoom, requireStores, seedOfChoice } from './answering.ts';
import { readBody } from './body.ts';
import { type ChatRequest, chatRequestSchema, plainMessages } from './chat-request.ts';
import type { AppEnv } from './context.ts';
import { invalid } from './errors.ts';
import { eventStream, type Send } from './event-stream.ts';
import { annotationsOf, searchOptionsOf } from './file-search-tool.ts';
import { callingOf, fileSearchOf, mayCall } from './function-tools.ts';
import { requireConcurrency } from './limit.ts';
import { chatLogprobs, logprobsAsked } from './logprobs.ts';
import { requireModel } from './models.ts';
import { predictionOf } from './prediction.ts';
import { requestFiles } from './request-files.ts';
import { grammarFailure, grammarOfFormat } from './response-format.ts';
import { Said } from './said.ts';
import { cancelAll, together } from './together.ts';
import { turnFailure } from './turn-failure.ts';
import { usageOf } from './usage.ts';

export const chat = new Hono<AppEnv>();

chat.post('/completions', async function createChatCompletion(c) {
  const body = await readBody(c, chatRequestSchema);
  await requireConcurrency(c, body.n);
  const tenant = c.get('tenant');
  const { model, answers } = await withServedModel(c.env, async (model) => {
    if (body.model !== undefined) requireModel(model, body.model);
    const request = await toAnswerRequest(c.env, tenant, body, model);
    requireRoom(model, request.maxTokens);
    const seeds = Array.from({ length: body.n }, (_, choice) => seedOfChoice(request.seed, choice));
    return { model, answers: await startAnswers(c.env, tenant, model, request, seeds) };
  }).catch(async (error: unknown) => {
    if (!(error instanceof LinkFailure)) throw turnFailure(error, 'messages');
    const places = callingOf(body, await loadModel(c.env))?.places;
    throw grammarFailure(error, places) ?? turnFailure(error, 'messages');
  });
  const head = {
    id: newId('chatcmpl-'),
    created: Math.floor(Date.now() / 1000),
    model: model.id,
  };
  const leave = () => cancelAll(answers);
  const end = () => {
    for (const answer of answers) ended(c, answer);
  };
  // A client that leaves ends the turn. The request's signal says so, but a listener on it also
  // ends the request's I/O before the verifier could be told: a stream is better off without.
  // `wrangler dev` notices only what it writes to, so there a whole answer runs to its end.
  if (!body.stream) {
    const { signal } = c.req.raw;
    signal.addEventListener('abort', leave);
    if (signal.aborted) leave();
    return c.json(await complete(answers, body, head).finally(end));
  }
  return eventStream(c, {
    say: (send) => streamAnswers(send, answers, body, head),
    leave,
    end,
    failure: (error) => turnFailure(error, 'messages'),
  });
});

interface Head {
  id: string;
  created: number;
  model: string;
}

async function toAnswerRequest(
  env: AppEnv['Bindings'],
  tenant: AppEnv['Variables']['tenant'],
  body: ChatRequest,
  model: ModelRecord,
): Promise<AnswerRequest> {
  const messages = plainMessages(body);
  const question = messages.findLast(({ role }) => role === 'user');
  if (body.n > 1 && body.speculation.trace) {
    throw invalid('speculation.trace', 'speculation.trace: only with an n of 1');
  }
  if (!question) throw invalid('messages', 'messages: one must have the role "user"');
  const calling = callingOf(body, model);
  const files = await requestFiles(env, tenant, body);
  if (body.context === 'full' && files.length === 0) {
    throw invalid('context', 'context: "full" needs files: name them in file_ids');
  }
  return {
    ...drawingOf(body, model),
    logprobs: logprobsAsked(body),
    functions: calling?.functions ?? [],
    grammar: calling?.grammar ?? grammarOfFormat(body.response_format),
    prediction: predictionOf(body, model),
    messages,
    query: question.content,
    storeIds: await storesOf(env, tenant, body, files.length > 0),
    ...(files.length > 0 && { attached: { files, whole: body.context === 'full' } }),
    search: searchOptionsOf(fileSearchOf(body.tools)),
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? null,
  };
}

/** Named in the tool or beside it; a request that brings files and names none is answered from the files. */
async function storesOf(
  env: AppEnv['Bindings'],
  tenant: AppEnv['Variables']['tenant'],
  { tools, vector_store_ids }: ChatRequest,
  bringsFiles: boolean,
): Promise<readonly string[]> {
  const tool = fileSearchOf(tools);
  if (!tool) return requireStores(env, tenant, vector_store_ids ?? (bringsFiles ? [] : null));
  if (vector_store_ids) {
    throw invalid(
      'vector_store_ids',
      'vector_store_ids: name the stores here or in tools, not in both',
    );
  }
  const param = `tools.${tools!.indexOf(tool)}.vector_store_ids`;
  return requireStores(env, tenant, tool.vector_store_ids, param);
}

async function complete(answers: readonly Answer[], body: ChatRequest, head: Head) {
  const traced: Step[] = [];
  try {
    const choices = await together(answers, async (answer, index) => {
      const said = new Said(mayCall(body));
      const told: TokenLogprobs[] = [];
      for await (const step of answer.steps()) {
        for (const { text } of step.pieces) said.push(text);
        told.push(...step.logprobs);
        if (body.speculation.trace) traced.push(step);
      }
      said.end();
      return {
        index,
        message: {
          ...said.message(),
          annotations: annotationsOf(said.content, answer.citable),
        },
        logprobs: body.logprobs ? chatLogprobs(answer.model, told) : null,
        finish_reason: said.finish(answer.finish()),
      };
    });
    return {
      ...head,
      object: 'chat.completion',
      choices,
      usage: usageOf(answers, body.speculation),
      ...(body.speculation.trace && {
        espalier: { passages: passages(answers[0]!), ...trace(traced) },
      }),
    };
  } catch (error) {
    throw turnFailure(error, 'messages');
  }
}

/** Choices come as they grow, told apart by their index. */
async function streamAnswers(
  send: Send,
  answers: readonly Answer[],
  body: ChatRequest,
  head: Head,
) {
  const { speculation, stream_options } = body;
  const withUsage = stream_options?.include_usage || speculation.stats || speculation.transfer > 0;

  function chunk(fields: object): Promise<void> {
    return send({ ...head, object: 'chat.completion.chunk', ...fields });
  }
  async function streamOne(answer: Answer, index: number): Promise<void> {
    function choice(
      delta: object,
      finish_reason: string | null = null,
      told: readonly TokenLogprobs[] = [],
    ) {
      const logprobs = told.length > 0 ? chatLogprobs(answer.model, told) : null;
      return { choices: [{ index, delta, logprobs, finish_reason }] };
    }
    await chunk({
      ...choice({ role: 'assistant', content: '' }),
      ...(speculation.trace && { espalier: { passages: passages(answer) } }),
    });
    const said = new Said(mayCall(body));
    for await (const step of answer.steps()) {
      const delta = said.push(step.pieces.map(({ text }) => text).join(''));
      const isEmpty = Object.keys(delta).length === 0;
      if (isEmpty && step.logprobs.length === 0 && !speculation.trace) continue;
      await chunk({
        ...choice(delta, null, step.logprobs),
        ...(speculation.trace && { espalier: trace([step]) }),
      });
    }
    const rest = said.end();
    const annotations = annotationsOf(said.content, answer.citable);
    const last = { ...rest, ...(annotations.length > 0 && { annotations }) };
    await chunk(choice(last, said.finish(answer.finish())));
  }

  await together(answers, streamOne);
  if (withUsage) await chunk({ choices: [], usage: usageOf(answers, speculation) });
}

function passages(answer: Answer) {
  return answer.passages.map((passage, i) => ({
    index: i + 1,
    id: passage.id,
    file_id: passage.fileId,
    filename: passage.fileName,
    title: passage.title,
    heading: passage.heading,
    text: passage.text,
    score: passage.score,
    start: passage.start,
    end: passage.end,
  }));
}

function trace(steps: readonly Step[]) {
  return {
    tokens: steps.flatMap(({ pieces }) => pieces),
    steps: steps
      .filter(({ tokens, drafted }) => tokens > 0 || drafted > 0)
      .map(({ tokens, drafted, micros }) => ({ accepted: tokens, drafted, micros })),
  };
}
