/** What a request for a response asks to be generated. */
import type { Bindings } from '../../bindings.ts';
import type { GenerationRequest } from '../../generate/request.ts';
import type { ChatMessage } from '../../model/chat-template.ts';
import type { ModelRecord } from '../../model/record.ts';
import type { Tenant } from '../../store/tenants.ts';
import type { FieldPaths } from '../answers/field-paths.ts';
import { callable, type FunctionUse, functionCalls } from '../answers/function-tools.ts';
import { groundingOf } from '../answers/grounding.ts';
import { listedFiles, type NamedFile } from '../answers/request-files.ts';
import { formatGrammar, type TextFormat } from '../answers/response-format.ts';
import { samplingOf, speculationOf } from '../answers/sampling.ts';
import { variablesOf } from '../answers/template-fields.ts';
import { invalid } from '../errors.ts';
import type { ResponseRequest } from './schema.ts';

type InputItem = Exclude<ResponseRequest['input'], string>[number];
type Message = Extract<InputItem, { role: string }>;

/** Throws the `ApiFailure` of what the model, the tenant or other fields do not allow. */
export async function toGeneration(
  env: Bindings,
  tenant: Tenant,
  body: ResponseRequest,
  model: ModelRecord,
): Promise<GenerationRequest> {
  if (body.speculation.trace) {
    throw invalid(['speculation', 'trace'], 'only /v1/chat/completions traces');
  }
  const messages = messagesOf(body);
  const query = questionOf(body);
  const format = formatOf(body);
  const formatPath = ['text', 'format'];
  const calls = functionCalls(
    functionUseOf(body),
    format.type === 'text' ? null : formatPath,
    model,
  );
  const { storeIds, search, files } = await groundingOf(env, tenant, body, filesOf(body), [
    'input',
  ]);
  return {
    input: {
      kind: 'conversation',
      messages,
      variables: variablesOf({
        reasoning_effort: body.reasoning?.effort,
        chat_template_kwargs: body.chat_template_kwargs,
      }),
      functions: calls?.functions ?? [],
      query,
      search,
      files,
    },
    storeIds,
    choices: 1,
    maxTokens: body.max_output_tokens ?? null,
    stop: [],
    sampling: samplingOf(body, model),
    logprobs: logprobsOf(body),
    grammar: calls?.grammar ?? formatGrammar(format, formatPath),
    speculation: speculationOf(body.speculation, model),
  };
}

export function fieldPaths(body: ResponseRequest): FieldPaths {
  return {
    prompt: ['input'],
    maxTokens: ['max_output_tokens'],
    choices: [],
    files: [body.file_ids?.length ? 'file_ids' : 'input'],
    format: ['text', 'format'],
    schema: ['text', 'format', 'schema'],
    functions: callable(functionUseOf(body)).map(({ path }) => path),
  };
}

/** The last message of a user, which the stores are searched for. */
export function questionOf({ input }: ResponseRequest): string {
  if (typeof input === 'string') return input;
  const question = input.findLast((item) => isMessage(item) && item.role === 'user');
  if (!question) throw invalid(['input'], 'one must have the role "user"');
  return textOf((question as Message).content);
}

export function functionUseOf({
  tools,
  tool_choice,
  parallel_tool_calls,
}: ResponseRequest): FunctionUse {
  return {
    offered: (tools ?? []).flatMap((tool, i) =>
      tool.type === 'function' ? [{ ...tool, path: ['tools', i] }] : [],
    ),
    choice: choiceOf({ tools, tool_choice }),
    parallel: parallel_tool_calls !== false,
  };
}

/** What is searched is searched in any case: a choice of the search asks for no call. */
function choiceOf({
  tools,
  tool_choice: choice,
}: Pick<ResponseRequest, 'tools' | 'tool_choice'>): FunctionUse['choice'] {
  if (!choice) return 'auto';
  const offered = new Set(tools?.map(({ type }) => type));
  if (choice === 'required') {
    return offered.has('file_search') && !offered.has('function') ? 'auto' : choice;
  }
  if (typeof choice === 'string') return choice;
  if (choice.type === 'function') return { name: choice.name };
  if (offered.has('file_search')) return 'auto';
  throw invalid(['tool_choice'], 'there is no file_search: name one in tools');
}

function formatOf({ text }: ResponseRequest): TextFormat {
  return text?.format ?? { type: 'text' };
}

/** Alternatives asked for of each token; null where no log-probabilities are. */
function logprobsOf({ include, top_logprobs }: ResponseRequest): number | null {
  if (include?.includes('message.output_text.logprobs')) return top_logprobs ?? 0;
  if (!top_logprobs) return null;
  throw invalid(['top_logprobs'], 'needs "message.output_text.logprobs" in include');
}

/** Items in a row that one answer had, its text and its calls, are one message. */
function messagesOf({ instructions, input }: ResponseRequest): ChatMessage[] {
  const messages: ChatMessage[] = instructions ? [{ role: 'system', content: instructions }] : [];
  if (typeof input === 'string') return [...messages, { role: 'user', content: input }];
  const called = new Set<string>();
  /** Thoughts that the next assistant message follows from. */
  let pendingReasoning = '';
  const push = (message: ChatMessage) => {
    const hasReasoning = pendingReasoning !== '' && message.role === 'assistant';
    messages.push({ ...message, ...(hasReasoning && { reasoning_content: pendingReasoning }) });
    pendingReasoning = '';
  };
  for (const [i, item] of input.entries()) {
    if (isMessage(item)) {
      const role = item.role === 'developer' ? 'system' : item.role;
      push({ role, content: textOf(item.content) });
    } else if (item.type === 'reasoning') {
      pendingReasoning += textOf(item.content ?? []);
    } else if (item.type === 'function_call') {
      const call = { id: item.call_id, function: { name: item.name, arguments: item.arguments } };
      called.add(item.call_id);
      const last = messages.at(-1);
      if (last?.role === 'assistant' && pendingReasoning === '') {
        last.tool_calls = [...(last.tool_calls ?? []), call];
      } else push({ role: 'assistant', content: '', tool_calls: [call] });
    } else if (item.type === 'function_call_output') {
      if (!called.has(item.call_id)) {
        throw invalid(['input', i, 'call_id'], 'no item before it has a call with this id');
      }
      push({ role: 'tool', content: textOf(item.output), tool_call_id: item.call_id });
    }
  }
  return messages;
}

function isMessage(item: InputItem): item is Message {
  return 'role' in item;
}

type Part = { type: string; text?: string; refusal?: string };

function textOf(content: string | readonly Part[]): string {
  if (typeof content === 'string') return content;
  return content.map(({ text, refusal }) => text ?? refusal ?? '').join('');
}

function filesOf({ file_ids, input }: ResponseRequest): NamedFile[] {
  const items = typeof input === 'string' ? [] : input;
  const parts = items.flatMap((item, i) =>
    isMessage(item) && Array.isArray(item.content)
      ? item.content.flatMap((part, j) =>
          part.type === 'input_file'
            ? [{ id: part.file_id, path: ['input', i, 'content', j] }]
            : [],
        )
      : [],
  );
  return [...listedFiles(file_ids), ...parts];
}
