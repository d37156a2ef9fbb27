/**
 * Functions that the model may call, in its prompt. Where the model's own chat
 * template has tools, in one of the forms that `tool-calls.ts` reads, they go
 * through it; where it has not, `<tool_call>{"name", "arguments"}</tool_call>` is
 * explained in the system message, and calls and their results are written as text.
 */
import type { ChatMessage } from '../model/chat-template.ts';
import type { ModelTokenizer } from '../model/tokenizer.ts';

export interface FunctionTool {
  name: string;
  description?: string | undefined;
  /** JSON Schema of the arguments. */
  parameters: Record<string, unknown>;
}

export const CALL_BEGIN = '<tool_call>';
export const CALL_END = '</tool_call>';

/** Calls of the probe as templates write them. Llama 3 has `parameters`. */
const PROBED = [
  /\{\s*"name"\s*:\s*"probe_of_tools"\s*,\s*"(arguments|parameters)"\s*:\s*\{\s*"probed"\s*:\s*1\s*\}/,
  /<function=probe_of_tools>\s*\{\s*"probed"\s*:\s*1\s*\}/,
  /\[TOOL_CALLS\]\s*probe_of_tools(\[CALL_ID\]\w+)?(\[ARGS\])?\s*\{\s*"probed"\s*:\s*1\s*\}/,
  /\[\s*probe_of_tools\(\s*probed\s*=\s*1\s*\)\s*\]/,
];

/** Whether the chat template itself lists tools and writes calls in a form that is read. */
export function templateHasTools(model: Pick<ModelTokenizer, 'renderChat'>): boolean {
  const probe = { name: 'probe_of_tools', parameters: { type: 'object', properties: {} } };
  const call = { name: probe.name, arguments: '{"probed": 1}' };
  const messages: ChatMessage[] = [
    { role: 'user', content: 'x' },
    { role: 'assistant', content: '', tool_calls: [{ function: call }] },
    { role: 'tool', content: 'y' },
  ];
  try {
    const listed = model.renderChat(messages.slice(0, 1), { tools: toolsOf([probe]) });
    const called = model.renderChat(forTemplate(messages), { tools: toolsOf([probe]) });
    return listed.includes(probe.name) && PROBED.some((form) => form.test(called));
  } catch {
    // Some templates refuse what they don't know.
    return false;
  }
}

/** Messages with their calls as the model's template takes them, and the functions that it describes. */
export function describeTools(
  model: Pick<ModelTokenizer, 'renderChat'>,
  messages: readonly ChatMessage[],
  functions: readonly FunctionTool[],
): { messages: readonly ChatMessage[]; tools?: readonly unknown[] } {
  const calls = messages.some(({ role, tool_calls }) => role === 'tool' || tool_calls);
  if (functions.length === 0 && !calls) return { messages };
  if (!templateHasTools(model)) return { messages: asText(messages, functions) };
  return {
    messages: forTemplate(messages),
    ...(functions.length > 0 && { tools: toolsOf(functions) }),
  };
}

/** As templates know them from transformers. */
function toolsOf(functions: readonly FunctionTool[]): unknown[] {
  return functions.map((one) => ({ type: 'function', function: one }));
}

/**
 * Messages as templates take them: arguments as an object, and calls numbered by
 * ids of nine letters and digits, the only ones that Mistral's templates take.
 */
function forTemplate(messages: readonly ChatMessage[]): ChatMessage[] {
  const ids = new Map<string, string>();
  let count = 0;
  const numbered = (original: string | undefined) => {
    const id = `call${String(count++).padStart(5, '0')}`;
    ids.set(original ?? id, id);
    return id;
  };
  return messages.map((message) => {
    const { tool_calls, tool_call_id, ...rest } = message;
    if (message.role === 'tool') {
      // Without an id, the latest call is answered.
      const id = ids.get(tool_call_id ?? '') ?? [...ids.values()].at(-1);
      return { ...rest, ...(id && { tool_call_id: id }) };
    }
    if (!tool_calls) return rest;
    return {
      ...rest,
      tool_calls: tool_calls.map(({ id, function: { name, arguments: json } }) => ({
        id: numbered(id),
        function: { name, arguments: typeof json === 'string' ? argumentsOf(json) : json },
      })),
    };
  });
}

function argumentsOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

function asText(messages: readonly ChatMessage[], functions: readonly FunctionTool[]) {
  const written: ChatMessage[] = [];
  for (const { role, content, tool_calls } of messages) {
    const calls = (tool_calls ?? []).map(
      ({ function: { name, arguments: json } }) =>
        `${CALL_BEGIN}\n{"name": ${JSON.stringify(name)}, "arguments": ${json}}\n${CALL_END}`,
    );
    if (role === 'tool') {
      written.push({ role: 'user', content: `<tool_response>\n${content}\n</tool_response>` });
    } else written.push({ role, content: [content, ...calls].filter((part) => part).join('\n') });
  }
  if (functions.length === 0) return written;
  const list = toolsOf(functions).map((one) => JSON.stringify(one));
  const explained = [
    'These functions can be called:',
    ...list,
    'A call is written as its name and arguments in JSON:',
    `${CALL_BEGIN}\n{"name": "…", "arguments": {…}}\n${CALL_END}`,
  ].join('\n');
  const [first] = written;
  if (first?.role === 'system') first.content = `${first.content}\n\n${explained}`;
  else written.unshift({ role: 'system', content: explained });
  return written;
}
