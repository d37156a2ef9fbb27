/** POST /v1/responses, streaming and not: the chat under its newer name. Nothing of it is kept. */
import { Hono } from 'hono';
import type { Answer } from '../../generate/answer.ts';
import { newId } from '../../store/ids.ts';
import { deliver } from '../answers/deliver.ts';
import { fileSearchOf, mayCall } from '../answers/function-tools.ts';
import { turnFailure } from '../answers/turn-failure.ts';
import { usageOf } from '../answers/usage.ts';
import { readBody } from '../body.ts';
import { beginChat } from '../chat/begin.ts';
import { type ChatRequest, plainMessages } from '../chat/schema.ts';
import type { AppEnv } from '../context.ts';
import { namedEventStream, type Send } from '../event-stream.ts';
import { type ResponseRequest, responseRequestSchema } from './schema.ts';
import { inOwnTerms, toChat } from './to-chat.ts';
import { type OutputEvent, type OutputItem, ResponseOutput } from './wire.ts';

export const responses = new Hono<AppEnv>();

responses.post('/', async function createResponse(c) {
  const body = await readBody(c, responseRequestSchema);
  const chat = toChat(body);
  const { model, answers } = await beginChat(c, chat).catch((error: unknown) => {
    throw inOwnTerms(error);
  });
  const answer = answers[0]!;
  const turn: Turn = {
    body,
    chat,
    answer,
    output: new ResponseOutput(model, answer.citable, mayCall(chat)),
    head: { id: newId('resp_'), created_at: Math.floor(Date.now() / 1000), model: model.id },
  };
  const failure = (error: unknown) => inOwnTerms(turnFailure(error, 'messages'));
  return deliver(
    c,
    answers,
    body.stream,
    () => whole(turn, failure),
    (ending) =>
      namedEventStream<ResponseEvent | OutputEvent>(c, {
        ...ending,
        say: (send) => streamed(send, turn),
        failure,
      }),
  );
});

interface Turn {
  body: ResponseRequest;
  chat: ChatRequest;
  answer: Answer;
  output: ResponseOutput;
  head: { id: string; created_at: number; model: string };
}

interface ResponseEvent {
  type: string;
  response: ReturnType<typeof responseOf>;
}

async function whole(turn: Turn, failure: (error: unknown) => unknown) {
  try {
    for await (const _ of saying(turn));
    return responseOf(turn, turn.answer.finish());
  } catch (error) {
    throw failure(error);
  }
}

async function streamed(send: Send<ResponseEvent | OutputEvent>, turn: Turn): Promise<void> {
  await send({ type: 'response.created', response: responseOf(turn, null) });
  await send({ type: 'response.in_progress', response: responseOf(turn, null) });
  for await (const event of saying(turn)) await send(event);
  const response = responseOf(turn, turn.answer.finish());
  await send({ type: `response.${response.status}`, response });
}

/** Events of its items, as they come. */
async function* saying({ body, chat, answer, output }: Turn): AsyncGenerator<OutputEvent> {
  if (fileSearchOf(chat.tools)) {
    const query = plainMessages(chat).findLast(({ role }) => role === 'user')!.content;
    const told = body.include?.includes('file_search_call.results') ?? false;
    // What the request itself brought was not found.
    const found = answer.passages.filter(({ id }) => id !== null);
    yield* output.searched(query, told ? found : null);
  }
  for await (const step of answer.steps()) yield* output.push(step);
  yield* output.end(answer.finish());
}

/** `finish`: null while it is being said. */
function responseOf({ body, chat, answer, output, head }: Turn, finish: 'stop' | 'length' | null) {
  const cut = finish === 'length';
  const items: OutputItem[] = finish === null ? [] : output.items;
  return {
    id: head.id,
    object: 'response' as const,
    created_at: head.created_at,
    status: finish === null ? 'in_progress' : cut ? 'incomplete' : 'completed',
    background: false,
    error: null,
    incomplete_details: cut ? { reason: 'max_output_tokens' } : null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    model: head.model,
    output: items,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: null,
    store: false,
    temperature: body.temperature ?? null,
    text: { format: body.text?.format ?? { type: 'text' } },
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? null,
    truncation: 'disabled',
    usage: finish === null ? null : responseUsage(answer, chat),
    user: body.user ?? null,
    metadata: body.metadata ?? {},
  };
}

/** The chat's under its newer names. */
function responseUsage(answer: Answer, { speculation }: ChatRequest) {
  const { prompt_tokens, prompt_tokens_details, completion_tokens, total_tokens, ...rest } =
    usageOf([answer], speculation);
  return {
    input_tokens: prompt_tokens,
    input_tokens_details: prompt_tokens_details,
    output_tokens: completion_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens,
    ...rest,
  };
}
