/**
 * Functions that the model may call, in its prompt. Where the model's own chat
 * template has tools, in the form `<tool_call>{"name", "arguments"}</tool_call>`
 * (Qwen, Hermes and those after them), they go through it; where it has not, the
 * same form is explained in the system message, and calls and their results are
 * written as text.
 */
import type { ChatMessage, ModelTokenizer } from '../model/tokenizer.ts';
import { MARK, type PromptModel } from './prompt.ts';

export interface FunctionTool {
  name: string;
  description?: string | undefined;
  /** JSON Schema of the arguments. */
  parameters: Record<string, unknown>;
}

export const CALL_BEGIN = '<tool_call>';
export const CALL_END = '</tool_call>';

/** Whether the chat template itself tells of tools and of calls in this form. */
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
    const called = model.renderChat(messages.map(parsed), { tools: toolsOf([probe]) });
    return (
      listed.includes(probe.name) &&
      /<tool_call>\s*\{"name": "probe_of_tools", "arguments": \{"probed": 1\}\}\s*<\/tool_call>/.test(
        called,
      )
    );
  } catch {
    // Some templates refuse what they don't know.
    return false;
  }
}

/** What a prompt is composed with, so that it describes `functions` and has the calls in `messages`. */
export function describeTools<Model extends PromptModel & ModelTokenizer>(
  model: Model,
  messages: readonly ChatMessage[],
  functions: readonly FunctionTool[],
): { model: Model; messages: ChatMessage[] } {
  const calls = messages.some(({ role, tool_calls }) => role === 'tool' || tool_calls);
  if (functions.length === 0 && !calls) return { model, messages: [...messages] };
  if (!templateHasTools(model)) return { model, messages: asText(messages, functions) };
  // Contents are encoded apart; these are rendered, so they are made harmless first.
  const tools = functions.length > 0 ? harmless(toolsOf(functions), model) : undefined;
  const renderChat: Model['renderChat'] = (turns, options) =>
    model.renderChat(turns, { ...options, tools });
  return {
    model: { ...model, renderChat },
    messages: messages.map((message) => {
      const { tool_calls, ...rest } = parsed(message);
      return tool_calls ? { ...rest, tool_calls: harmless(tool_calls, model) } : rest;
    }),
  };
}

/** As templates know them from transformers. */
function toolsOf(functions: readonly FunctionTool[]): unknown[] {
  return functions.map((one) => ({ type: 'function', function: one }));
}

/** Arguments as an object, which is what templates write as JSON. */
function parsed(message: ChatMessage): ChatMessage {
  if (!message.tool_calls) return message;
  return {
    ...message,
    tool_calls: message.tool_calls.map(({ function: { name, arguments: json } }) => ({
      function: { name, arguments: typeof json === 'string' ? argumentsOf(json) : json },
    })),
  };
}

function argumentsOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

/** Every string in it, keys too, without what looks like a special token or like the mark of a content. */
function harmless<T>(value: T, model: Pick<ModelTokenizer, 'neutralise'>): T {
  if (typeof value === 'string') return model.neutralise(value.replaceAll(MARK, '')) as T;
  if (Array.isArray(value)) return value.map((one) => harmless(one, model)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [harmless(key, model), harmless(one, model)]),
  ) as T;
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
