/** A request for a response as the chat that it stands for, and failures of the one in terms of the other. */
import * as v from 'valibot';
import { type ChatRequest, chatRequestSchema } from '../chat/schema.ts';
import { ApiFailure, invalid, invalidIssue, type Path } from '../errors.ts';
import type { ResponseRequest } from './schema.ts';

type ChatInput = v.InferInput<typeof chatRequestSchema>;
type Message = ChatInput['messages'][number];
type Spoken = Extract<Exclude<ResponseRequest['input'], string>[number], { role: string }>;

/** Throws an `ApiFailure` in the request's own terms. */
export function toChat(body: ResponseRequest): ChatRequest {
  if (body.speculation.trace) {
    throw invalid(['speculation', 'trace'], 'only /v1/chat/completions traces');
  }
  if (body.top_logprobs && !tellsLogprobs(body)) {
    throw invalid(['top_logprobs'], 'needs "message.output_text.logprobs" in include');
  }
  const { instructions, max_output_tokens, text, tools, ...same } = body;
  const chat: ChatInput = {
    ...sharedFields(same),
    messages: [
      ...(instructions ? [{ role: 'system' as const, content: instructions }] : []),
      ...messagesOf(body.input),
    ],
    max_completion_tokens: max_output_tokens,
    logprobs: tellsLogprobs(body),
    tools: tools?.map((tool) => {
      if (tool.type === 'file_search') return tool;
      const { type, ...fields } = tool;
      return { type, function: fields };
    }),
    tool_choice: choiceOf(body),
    response_format: formatOf(text?.format),
  };
  const checked = v.safeParse(chatRequestSchema, chat);
  if (checked.success) return checked.output;
  throw inOwnTerms(invalidIssue(checked.issues));
}

function tellsLogprobs({ include }: ResponseRequest): boolean {
  return include?.includes('message.output_text.logprobs') ?? false;
}

/** Fields that both requests have, under one name and with one meaning. */
function sharedFields({
  model,
  stream,
  temperature,
  top_p,
  top_k,
  top_logprobs,
  seed,
  parallel_tool_calls,
  vector_store_ids,
  file_ids,
  context,
  speculation,
}: Partial<ResponseRequest>): Partial<ChatInput> {
  return {
    ...(model !== undefined && { model }),
    ...(context !== undefined && { context }),
    ...(speculation !== undefined && { speculation }),
    stream,
    temperature,
    top_p,
    top_k,
    top_logprobs,
    seed,
    parallel_tool_calls,
    vector_store_ids,
    file_ids,
  };
}

type Part = { type: string; text?: string; refusal?: string };

/** Items in a row that one answer had, its text and its calls, are one message. */
function messagesOf(input: ResponseRequest['input']): Message[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  const messages: Message[] = [];
  for (const item of input) {
    const last = messages.at(-1);
    if (item.type === 'file_search_call') continue;
    if (item.type === 'function_call') {
      const { call_id, name, arguments: said } = item;
      const call = { id: call_id, type: 'function' as const, function: { name, arguments: said } };
      if (last?.role === 'assistant') last.tool_calls = [...(last.tool_calls ?? []), call];
      else messages.push({ role: 'assistant', content: null, tool_calls: [call] });
    } else if (item.type === 'function_call_output') {
      const content = textOf(item.output);
      messages.push({ role: 'tool', content, tool_call_id: item.call_id });
    } else if ('role' in item) {
      messages.push(messageOf(item as Spoken));
    }
  }
  return messages;
}

function messageOf({ role, content }: Spoken): Message {
  if (role !== 'user' || typeof content === 'string') return { role, content: textOf(content) };
  return {
    role,
    content: content.map((part) =>
      part.type === 'input_file'
        ? { type: 'file' as const, file: { file_id: part.file_id } }
        : { type: 'text' as const, text: part.text },
    ),
  };
}

function textOf(content: string | readonly Part[]): string {
  if (typeof content === 'string') return content;
  return content.map(({ text, refusal }) => text ?? refusal ?? '').join('');
}

/** What is searched is searched in any case: a choice of the search asks for no call. */
function choiceOf({ tools, tool_choice: choice }: ResponseRequest): ChatInput['tool_choice'] {
  const offered = new Set(tools?.map(({ type }) => type));
  if (choice === 'required') {
    return offered.has('file_search') && !offered.has('function') ? 'auto' : choice;
  }
  if (!choice || typeof choice === 'string') return choice;
  if (choice.type === 'function') return { type: 'function', function: { name: choice.name } };
  if (offered.has('file_search')) return 'auto';
  throw invalid(['tool_choice'], 'there is no file_search: name one in tools');
}

function formatOf(
  format: NonNullable<ResponseRequest['text']>['format'],
): ChatInput['response_format'] {
  if (format?.type !== 'json_schema') return format;
  const { type, description, ...rest } = format;
  return { type, json_schema: { ...rest, ...(description != null && { description }) } };
}

/** Places in a chat, and in the response that it stands for; the longest first. */
const PLACES: readonly [chat: Path, response: Path][] = [
  [
    ['response_format', 'json_schema'],
    ['text', 'format'],
  ],
  [['response_format'], ['text', 'format']],
  [['max_completion_tokens'], ['max_output_tokens']],
  [['max_tokens'], ['max_output_tokens']],
];

/** A failure of the chat, as whoever asked for the response knows its fields. What is none is handed back. */
export function inOwnTerms(error: unknown): unknown {
  if (!(error instanceof ApiFailure) || !('path' in error.error)) return error;
  return new ApiFailure({ ...error.error, path: ownPlace(error.error.path) }, error);
}

function ownPlace(path: Path): Path {
  const [field, index, inner, ...rest] = path;
  // Items and messages are not one to one.
  if (field === 'messages') return ['input'];
  if (field === 'tools' && inner === 'function') return ['tools', index!, ...rest];
  for (const [chat, response] of PLACES) {
    if (chat.every((name, i) => path[i] === name)) return [...response, ...path.slice(chat.length)];
  }
  return path;
}
