/** POST /v1/chat/completions, streaming and not. */
import { type Context, Hono } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import { type Answer, type AnswerRequest, startAnswer } from '../generate/answer.ts';
import { PromptTooLong } from '../generate/prompt.ts';
import type { Step } from '../generate/text-stream.ts';
import { LinkFailure } from '../link/failure.ts';
import { newId } from '../store/ids.ts';
import { loadModel, type ModelRecord, ModelUnavailable } from '../store/model.ts';
import { defaultStores, findStore } from '../store/stores.ts';
import { readBody } from './body.ts';
import { type ChatRequest, chatRequestSchema, plainMessages, seedHalves } from './chat-request.ts';
import type { AppEnv } from './context.ts';
import { ApiFailure, invalid, notFound, overloaded, toWire, unavailable } from './errors.ts';
import { annotationsOf, searchOptionsOf } from './file-search-tool.ts';
import { observeAnswer } from './metrics.ts';
import { requireModel } from './models.ts';

export const chat = new Hono<AppEnv>();

chat.post('/completions', async function createChatCompletion(c) {
  const body = await readBody(c, chatRequestSchema);
  const model = await loadModel(c.env);
  if (body.model !== undefined) requireModel(model, body.model);
  const request = await toAnswerRequest(c.env, c.get('tenant'), body);
  requireRoom(model, request.maxTokens);
  const answer = await startAnswer(c.env, c.get('tenant'), request).catch((error: unknown) => {
    throw toFailure(error);
  });
  const head = {
    id: newId('chatcmpl-'),
    created: Math.floor(Date.now() / 1000),
    model: answer.model.id,
  };
  // A client that leaves ends the turn. The request's signal says so, but a listener on it also
  // ends the request's I/O before the verifier could be told: a stream is better off without.
  // `wrangler dev` notices only what it writes to, so there a whole answer runs to its end.
  if (!body.stream) {
    const { signal } = c.req.raw;
    signal.addEventListener('abort', answer.cancel);
    if (signal.aborted) answer.cancel();
    return c.json(await complete(answer, body, head).finally(() => ended(c, answer)));
  }
  return streamSSE(c, async (stream) => {
    stream.onAbort(answer.cancel);
    await streamAnswer(stream, answer, body, head).finally(() => ended(c, answer));
  });
});

/** Whole or not: counts it, and lets it leave what it may to later ones. */
function ended(c: Context<AppEnv>, answer: Answer): void {
  observeAnswer(c, answer);
  c.executionCtx.waitUntil(answer.remember());
}

/** A client that takes nothing for so long has gone, even if nobody said so: the verifier's slot is freed. */
export const CLIENT_DEADLINE_MS = 10_000;

/** A ceiling above the context is a mistake worth naming; one within it is cut to what the prompt leaves. */
function requireRoom(model: ModelRecord, maxTokens: number | null): void {
  if (maxTokens !== null && maxTokens > model.maxContext) {
    throw invalid(
      'max_tokens',
      `max_tokens: at most ${model.maxContext}, the model's context`,
      'context_length_exceeded',
    );
  }
}

interface Head {
  id: string;
  created: number;
  model: string;
}

async function toAnswerRequest(
  env: AppEnv['Bindings'],
  tenant: AppEnv['Variables']['tenant'],
  body: ChatRequest,
): Promise<AnswerRequest> {
  const messages = plainMessages(body);
  const question = messages.findLast(({ role }) => role === 'user');
  if (!question) throw invalid('messages', 'messages: one must have the role "user"');
  const { mode, budget, memory, recycle, draft_model, transfer } = body.speculation;
  return {
    messages,
    query: question.content,
    storeIds: await storesOf(env, tenant, body),
    search: searchOptionsOf(body.tools),
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? null,
    stop: typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []),
    seed: seedHalves(body.seed),
    temperature: body.temperature ?? null,
    topP: body.top_p ?? null,
    topK: body.top_k ?? null,
    drafting: mode === 'on' ? 'echoed' : mode,
    budget,
    memory,
    recycle,
    draftModel: draft_model,
    transfer,
  };
}

/** The stores asked for, which must be the tenant's, or its default. */
async function storesOf(
  env: AppEnv['Bindings'],
  tenant: AppEnv['Variables']['tenant'],
  { tools, vector_store_ids }: ChatRequest,
): Promise<readonly string[]> {
  const tool = tools?.[0];
  if (tool && vector_store_ids) {
    throw invalid(
      'vector_store_ids',
      'vector_store_ids: name the stores here or in tools, not in both',
    );
  }
  const asked = tool?.vector_store_ids ?? vector_store_ids;
  if (!asked) return defaultStores(env, tenant);
  const found = await Promise.all(asked.map((id) => findStore(env, tenant.id, id)));
  const missing = asked.find((_, i) => !found[i]);
  if (missing !== undefined) {
    const param = tool ? 'tools.0.vector_store_ids' : 'vector_store_ids';
    throw notFound(`${param}: there is no store "${missing}"`, param);
  }
  return asked;
}

/** The failures that can happen before the first byte, in the API's terms. */
function toFailure(error: unknown): unknown {
  if (error instanceof PromptTooLong) {
    return invalid(
      'messages',
      `messages: ${error.needed} tokens, but the context holds ${error.room} before an answer: ` +
        'shorten the messages',
      'context_length_exceeded',
    );
  }
  if (error instanceof ModelUnavailable) return noVerifier(error);
  if (!(error instanceof LinkFailure)) return error;
  if (error.code === 'overloaded')
    return overloaded(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
  if (error.code === 'too-long') {
    return invalid('max_tokens', `max_tokens: ${error.message}`, 'context_length_exceeded');
  }
  return noVerifier(error);
}

/** What went wrong between us and the verifier names addresses and keys: it goes to the log, not to the caller. */
function noVerifier(cause: Error): ApiFailure {
  console.error(JSON.stringify({ event: 'no_verifier', cause: cause.message }));
  return unavailable(
    'no verifier is available: start one, or see /health for what is wrong',
    cause,
  );
}

async function complete(answer: Answer, body: ChatRequest, head: Head) {
  let content = '';
  const traced: Step[] = [];
  try {
    for await (const step of answer.steps()) {
      for (const { text } of step.pieces) content += text;
      if (body.speculation.trace) traced.push(step);
    }
  } catch (error) {
    throw toFailure(error);
  }
  return {
    ...head,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content,
          refusal: null,
          annotations: annotationsOf(content, answer.passages),
        },
        logprobs: null,
        finish_reason: answer.finish(),
      },
    ],
    usage: usage(answer, body),
    ...(body.speculation.trace && {
      espalier: { passages: passages(answer), ...trace(traced) },
    }),
  };
}

async function streamAnswer(
  stream: SSEStreamingApi,
  answer: Answer,
  body: ChatRequest,
  head: Head,
) {
  const { speculation, stream_options } = body;
  const withUsage = stream_options?.include_usage || speculation.stats || speculation.transfer > 0;

  async function chunk(fields: object): Promise<void> {
    const data = { ...head, object: 'chat.completion.chunk', ...fields };
    const deadline = setTimeout(answer.cancel, CLIENT_DEADLINE_MS);
    await stream.writeSSE({ data: JSON.stringify(data) });
    clearTimeout(deadline);
  }
  function choice(delta: object, finish_reason: string | null = null) {
    return { choices: [{ index: 0, delta, logprobs: null, finish_reason }] };
  }

  try {
    await chunk({
      ...choice({ role: 'assistant', content: '' }),
      ...(speculation.trace && { espalier: { passages: passages(answer) } }),
    });
    let said = '';
    for await (const step of answer.steps()) {
      const content = step.pieces.map(({ text }) => text).join('');
      said += content;
      if (content === '' && !speculation.trace) continue;
      await chunk({
        ...choice(content === '' ? {} : { content }),
        ...(speculation.trace && { espalier: trace([step]) }),
      });
    }
    const annotations = annotationsOf(said, answer.passages);
    await chunk(choice(annotations.length > 0 ? { annotations } : {}, answer.finish()));
    if (withUsage) await chunk({ choices: [], usage: usage(answer, body) });
    await stream.writeSSE({ data: '[DONE]' });
  } catch (error) {
    // The status is out already: the failure goes where the text went.
    if (stream.aborted) return;
    const failure = toFailure(error);
    const { body: event } = toWire(
      failure instanceof ApiFailure ? failure.error : { kind: 'internal' },
    );
    await stream.writeSSE({ data: JSON.stringify(event) });
    if (!(failure instanceof ApiFailure)) throw failure;
  }
}

function usage(answer: Answer, body: ChatRequest) {
  const completion = answer.speculation.tokens;
  return {
    prompt_tokens: answer.promptTokens,
    completion_tokens: completion,
    total_tokens: answer.promptTokens + completion,
    prompt_tokens_details: { cached_tokens: answer.cachedTokens },
    ...((body.speculation.stats || body.speculation.transfer > 0) && {
      speculation: {
        ...answer.speculation.usage(),
        draft_model: answer.draftModel(),
        ...(body.speculation.transfer > 0 && { lossy: 'transfer' }),
      },
    }),
  };
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
