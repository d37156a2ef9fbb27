/** The message of one choice of a chat: text, or calls where functions may be called, whole and in deltas. */
import { type Step, textOf } from '../../generate/text-stream.ts';
import { type CallEvent, ToolCalls } from '../../generate/tool-calls.ts';
import { newId } from '../../store/ids.ts';

interface ToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

/** What a chunk adds to the message; empty where that is nothing. */
export interface MessageDelta {
  reasoning_content?: string;
  content?: string;
  tool_calls?: ({ index: number } & (ToolCall | { function: { arguments: string } }))[];
}

export class AssistantMessage {
  content = '';
  private reasoning = '';
  private readonly calls: ToolCall[] = [];
  private readonly parser: ToolCalls | null;

  /** @param callable names of functions that may be called; null: all of it is text */
  constructor(callable: ReadonlySet<string> | null) {
    this.parser = callable && new ToolCalls(callable);
  }

  push({ thoughts = [], pieces }: Pick<Step, 'thoughts' | 'pieces'>): MessageDelta {
    const thought = textOf(thoughts);
    const text = textOf(pieces);
    this.reasoning += thought;
    return {
      ...(thought && { reasoning_content: thought }),
      ...this.add(this.parser ? this.parser.push(text) : [{ type: 'text', text }]),
    };
  }

  /** The answer is over: what was held back. */
  end(): MessageDelta {
    return this.add(this.parser?.flush() ?? []);
  }

  toMessage() {
    return {
      role: 'assistant' as const,
      ...(this.reasoning && { reasoning_content: this.reasoning }),
      content: this.content === '' && this.calls.length > 0 ? null : this.content,
      refusal: null,
      ...(this.calls.length > 0 && { tool_calls: this.calls }),
    };
  }

  /** An answer that called and was not cut ended in order to be answered. */
  finishReason(reason: 'stop' | 'length'): 'stop' | 'length' | 'tool_calls' {
    return reason === 'stop' && this.calls.length > 0 ? 'tool_calls' : reason;
  }

  private add(events: readonly CallEvent[]): MessageDelta {
    const delta: MessageDelta = {};
    for (const event of events) {
      if (event.type === 'text') {
        if (event.text === '') continue;
        this.content += event.text;
        delta.content = (delta.content ?? '') + event.text;
        continue;
      }
      const { index } = event;
      delta.tool_calls ??= [];
      if (event.type === 'call') {
        const call: ToolCall = {
          id: newId('call_'),
          type: 'function',
          function: { name: event.name, arguments: '' },
        };
        this.calls.push(call);
        delta.tool_calls.push({ index, ...call, function: { ...call.function } });
      } else {
        this.calls[index]!.function.arguments += event.text;
        delta.tool_calls.push({ index, function: { arguments: event.text } });
      }
    }
    return delta;
  }
}
