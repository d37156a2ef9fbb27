/** An answer as its client has it and sends it back: its text, and the calls in it apart. */
import type { GrammarSetting } from '../link/protocol/index.ts';
import type { ChatMessage } from '../model/chat-template.ts';
import { ToolCalls } from './tool-calls.ts';

/** @param grammar what the answer was held to: it names the functions that may be called */
export function saidMessage(text: string, grammar: GrammarSetting | null): ChatMessage {
  if (grammar?.kind !== 'calls') return { role: 'assistant', content: text };
  const parser = new ToolCalls(new Set(grammar.functions.map(({ name }) => name)));
  const calls: { name: string; arguments: string }[] = [];
  let content = '';
  for (const event of [...parser.push(text), ...parser.flush()]) {
    if (event.type === 'text') content += event.text;
    else if (event.type === 'call') calls.push({ name: event.name, arguments: '' });
    else calls[event.index]!.arguments += event.text;
  }
  return { role: 'assistant', content, tool_calls: calls.map((call) => ({ function: call })) };
}
