/** What a chat asks to be generated. */
import type { Bindings } from '../../bindings.ts';
import type { GenerationRequest } from '../../generate/request.ts';
import type { ChatMessage } from '../../model/chat-template.ts';
import type { ModelRecord } from '../../model/record.ts';
import type { Tenant } from '../../store/tenants.ts';
import type { FieldPaths } from '../answers/field-paths.ts';
import { callable, type FunctionUse, functionCalls } from '../answers/function-tools.ts';
import { groundingOf } from '../answers/grounding.ts';
import { logprobsAsked } from '../answers/logprobs.ts';
import { predictionOf } from '../answers/prediction.ts';
import { listedFiles, type NamedFile } from '../answers/request-files.ts';
import { formatGrammar, type TextFormat } from '../answers/response-format.ts';
import { samplingOf, speculationOf, stopsOf } from '../answers/sampling.ts';
import { variablesOf } from '../answers/template-fields.ts';
import { invalid } from '../errors.ts';
import type { ChatRequest } from './schema.ts';

/** Throws the `ApiFailure` of what the model, the tenant or other fields do not allow. */
export async function toGeneration(
  env: Bindings,
  tenant: Tenant,
  body: ChatRequest,
  model: ModelRecord,
): Promise<GenerationRequest> {
  const messages = messagesOf(body);
  const question = messages.findLast(({ role }) => role === 'user');
  if (body.n > 1 && body.speculation.trace) {
    throw invalid(['speculation', 'trace'], 'only with an n of 1');
  }
  requireRankable(body);
  if (!question) throw invalid(['messages'], 'one must have the role "user"');
  const format = formatOf(body);
  const calls = functionCalls(
    functionUseOf(body),
    format.type === 'text' ? null : ['response_format'],
    model,
  );
  const { storeIds, search, files } = await groundingOf(env, tenant, body, filesOf(body), [
    'messages',
  ]);
  return {
    input: {
      kind: 'conversation',
      messages,
      variables: variablesOf(body),
      functions: calls?.functions ?? [],
      query: question.content,
      search,
      files,
    },
    storeIds,
    choices: body.n,
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? null,
    stop: stopsOf(body.stop),
    sampling: samplingOf(body, model),
    logprobs: logprobsAsked(body),
    grammar: calls?.grammar ?? formatGrammar(format, ['response_format']),
    speculation: speculationOf(body.speculation, model, await predictionOf(body, model)),
  };
}

/** Ranked answers are known once all are over, and are cut. */
function requireRankable({ rank, stream, logprobs, tools }: ChatRequest): void {
  if (!rank) return;
  if (stream) throw invalid(['rank'], 'ranked answers come whole: leave stream out');
  if (logprobs) throw invalid(['rank'], 'answers that are cut have no logprobs: leave them out');
  if (tools?.some(({ type }) => type === 'function')) {
    throw invalid(['rank'], 'only text is ranked: leave functions out');
  }
}

export function fieldPaths(body: ChatRequest): FieldPaths {
  return {
    prompt: ['messages'],
    maxTokens: [body.max_completion_tokens == null ? 'max_tokens' : 'max_completion_tokens'],
    choices: ['n'],
    files: [body.file_ids?.length ? 'file_ids' : 'messages'],
    format: ['response_format'],
    schema: ['response_format', 'json_schema', 'schema'],
    functions: callable(functionUseOf(body)).map(({ path }) => path),
  };
}

export function functionUseOf({
  tools,
  tool_choice,
  parallel_tool_calls,
}: ChatRequest): FunctionUse {
  return {
    offered: (tools ?? []).flatMap((tool, i) =>
      tool.type === 'function' ? [{ path: ['tools', i, 'function'], ...tool.function }] : [],
    ),
    choice:
      typeof tool_choice === 'object' ? (tool_choice?.function ?? 'auto') : (tool_choice ?? 'auto'),
    parallel: parallel_tool_calls !== false,
  };
}

function formatOf({ response_format: format }: ChatRequest): TextFormat {
  if (!format) return { type: 'text' };
  if (format.type !== 'json_schema') return format;
  const { schema, strict } = format.json_schema;
  return { type: format.type, schema, strict };
}

/** Parts of text joined; `developer` is what `system` is called for newer models. */
function messagesOf({ messages }: ChatRequest): ChatMessage[] {
  const called = new Set<string>();
  return messages.map((message, i) => {
    const { role, content } = message;
    const calls = (message.role === 'assistant' && message.tool_calls) || [];
    for (const { id } of calls) called.add(id);
    if (message.role === 'tool' && !called.has(message.tool_call_id)) {
      const path = ['messages', i, 'tool_call_id'];
      throw invalid(path, 'no message before it has a call with this id');
    }
    return {
      role: role === 'developer' ? 'system' : role,
      content: typeof content === 'string' ? content : (content ?? []).map(textOfPart).join(''),
      ...reasoningOf(message),
      ...(calls.length > 0 && { tool_calls: calls }),
      ...(message.role === 'tool' && { tool_call_id: message.tool_call_id }),
    };
  });
}

/** What an earlier answer thought: the template decides whether it is told. */
function reasoningOf(message: ChatRequest['messages'][number]) {
  if (message.role !== 'assistant') return {};
  const reasoning_content = message.reasoning_content ?? message.reasoning;
  return reasoning_content ? { reasoning_content } : {};
}

function filesOf({ file_ids, messages }: ChatRequest): NamedFile[] {
  const parts = messages.flatMap(({ content }, i) =>
    (Array.isArray(content) ? content : []).flatMap((part, j) =>
      part.type === 'file' ? [{ id: part.file.file_id, path: ['messages', i, 'content', j] }] : [],
    ),
  );
  return [...listedFiles(file_ids), ...parts];
}

function textOfPart(part: { type: string; text?: string; refusal?: string }): string {
  return part.text ?? part.refusal ?? '';
}
