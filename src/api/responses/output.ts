/**
 * The output of a response, as items that come one after the other: a search, text,
 * calls of functions. Each has its events, from `output_item.added` to
 * `output_item.done`; the items left in the end are the whole response's output.
 */
import type { Citable } from '../../generate/material.ts';
import { type Step, textOf } from '../../generate/text-stream.ts';
import { type CallEvent, ToolCalls } from '../../generate/tool-calls.ts';
import type { ModelRecord } from '../../model/record.ts';
import type { Passage } from '../../retrieve/search.ts';
import { newId } from '../../store/ids.ts';
import { annotationsOf } from '../answers/file-search-tool.ts';
import { chatLogprobs } from '../answers/logprobs.ts';

type Status = 'in_progress' | 'completed' | 'incomplete';

interface OutputText {
  type: 'output_text';
  text: string;
  annotations: ReturnType<typeof annotationsOf>;
  logprobs: TokenEntry[];
}

type TokenEntry = ReturnType<typeof chatLogprobs>['content'][number];

interface MessageItem {
  type: 'message';
  id: string;
  status: Status;
  role: 'assistant';
  content: OutputText[];
}

interface CallItem {
  type: 'function_call';
  id: string;
  status: Status;
  call_id: string;
  name: string;
  arguments: string;
}

interface SearchItem {
  type: 'file_search_call';
  id: string;
  status: Status;
  queries: string[];
  results: object[] | null;
}

interface ReasoningItem {
  type: 'reasoning';
  id: string;
  status: Status;
  summary: [];
  content: { type: 'reasoning_text'; text: string }[];
}

export type OutputItem = MessageItem | CallItem | SearchItem | ReasoningItem;

/** Without its number, which counts all of a response. */
export interface OutputEvent {
  type: `response.${string}`;
  output_index: number;
  item?: OutputItem;
  [field: string]: unknown;
}

export class ResponseOutput {
  readonly items: OutputItem[] = [];
  private readonly model: ModelRecord;
  private readonly citable: readonly Citable[];
  private readonly calls: ToolCalls | null;
  /** Log-probabilities of tokens whose text has not been sent; those of calls never are. */
  private readonly pending: TokenEntry[] = [];
  /** The item that grows. */
  private open: MessageItem | CallItem | ReasoningItem | null = null;

  /** @param callable names of functions that may be called; null: all of it is text */
  constructor(
    model: ModelRecord,
    citable: readonly Citable[],
    callable: ReadonlySet<string> | null,
  ) {
    this.model = model;
    this.citable = citable;
    this.calls = callable && new ToolCalls(callable);
  }

  /** What was searched before the answer began. @param results null where nobody asked for them */
  addSearch(query: string, results: readonly Passage[] | null): OutputEvent[] {
    const item: SearchItem = {
      type: 'file_search_call',
      id: newId('fs_'),
      status: 'completed',
      queries: [query],
      results: results ? results.map(resultOf) : null,
    };
    const at = { output_index: this.items.push(item) - 1 };
    const phase = (name: string) => ({
      type: `response.file_search_call.${name}` as const,
      ...at,
      item_id: item.id,
    });
    return [
      {
        type: 'response.output_item.added',
        ...at,
        item: { ...item, status: 'in_progress', results: null },
      },
      phase('in_progress'),
      phase('searching'),
      phase('completed'),
      { type: 'response.output_item.done', ...at, item },
    ];
  }

  push({ thoughts = [], pieces, logprobs }: Step): OutputEvent[] {
    const text = textOf(pieces);
    this.pending.push(...chatLogprobs(this.model, logprobs).content);
    return [
      ...this.addThought(textOf(thoughts)),
      ...this.add(this.calls ? this.calls.push(text) : [{ type: 'text', text }]),
    ];
  }

  /** The answer is over. One without any text or call has an empty text. */
  end(finish: 'stop' | 'length'): OutputEvent[] {
    const events = this.add(this.calls?.flush() ?? []);
    const hasContent = this.items.some(
      ({ type }) => type === 'message' || type === 'function_call',
    );
    if (!hasContent) this.openMessage(events);
    if (this.open?.type === 'message') this.open.content[0]!.logprobs.push(...this.pending);
    this.close(events, finish === 'stop' ? 'completed' : 'incomplete');
    return events;
  }

  private add(parsed: readonly CallEvent[]): OutputEvent[] {
    const events: OutputEvent[] = [];
    for (const event of parsed) {
      if (event.type === 'call') this.openCall(events, event.name);
      else if (event.text === '') continue;
      else if (event.type === 'arguments') this.addArguments(events, event.text);
      else this.addText(events, event.text);
    }
    return events;
  }

  private addThought(delta: string): OutputEvent[] {
    const events: OutputEvent[] = [];
    if (delta === '') return events;
    const item = this.open?.type === 'reasoning' ? this.open : this.openReasoning(events);
    item.content[0]!.text += delta;
    events.push({ type: 'response.reasoning_text.delta', ...this.part(item), delta });
    return events;
  }

  private openReasoning(events: OutputEvent[]): ReasoningItem {
    const part = { type: 'reasoning_text' as const, text: '' };
    const item: ReasoningItem = {
      type: 'reasoning',
      id: newId('rs_'),
      status: 'in_progress',
      summary: [],
      content: [part],
    };
    this.begin(events, item, { ...item, content: [] });
    events.push({ type: 'response.content_part.added', ...this.part(item), part: { ...part } });
    return item;
  }

  private addText(events: OutputEvent[], delta: string): void {
    const item = this.open?.type === 'message' ? this.open : this.openMessage(events);
    const part = item.content[0]!;
    const logprobs = this.takePending(delta.length);
    part.text += delta;
    part.logprobs.push(...logprobs);
    events.push({ type: 'response.output_text.delta', ...this.part(item), delta, logprobs });
  }

  /** Of the tokens that begin within the next `length` code units of text. */
  private takePending(length: number): TokenEntry[] {
    let begins = 0;
    const later = this.pending.findIndex(({ token }) => {
      const isLater = begins >= length;
      begins += token.length;
      return isLater;
    });
    return this.pending.splice(0, later < 0 ? this.pending.length : later);
  }

  private addArguments(events: OutputEvent[], delta: string): void {
    this.pending.length = 0;
    const item = this.open as CallItem;
    item.arguments += delta;
    events.push({ type: 'response.function_call_arguments.delta', ...this.place(item), delta });
  }

  private openMessage(events: OutputEvent[]): MessageItem {
    this.close(events, 'completed');
    const part: OutputText = { type: 'output_text', text: '', annotations: [], logprobs: [] };
    const item: MessageItem = {
      type: 'message',
      id: newId('msg_'),
      status: 'in_progress',
      role: 'assistant',
      content: [part],
    };
    this.begin(events, item, { ...item, content: [] });
    const empty = { ...part, logprobs: [] };
    events.push({ type: 'response.content_part.added', ...this.part(item), part: empty });
    return item;
  }

  private openCall(events: OutputEvent[], name: string): void {
    this.close(events, 'completed');
    this.pending.length = 0;
    const item: CallItem = {
      type: 'function_call',
      id: newId('fc_'),
      status: 'in_progress',
      call_id: newId('call_'),
      name,
      arguments: '',
    };
    this.begin(events, item, { ...item });
  }

  private begin(
    events: OutputEvent[],
    item: MessageItem | CallItem | ReasoningItem,
    announced: OutputItem,
  ): void {
    this.items.push(item);
    this.open = item;
    events.push({
      type: 'response.output_item.added',
      output_index: this.index(item),
      item: announced,
    });
  }

  private close(events: OutputEvent[], status: Status): void {
    const item = this.open;
    if (!item) return;
    this.open = null;
    item.status = status;
    if (item.type === 'message') this.closeText(events, item);
    else if (item.type === 'reasoning') this.closeReasoning(events, item);
    else {
      const { name, arguments: json } = item;
      const type = 'response.function_call_arguments.done';
      events.push({ type, ...this.place(item), name, arguments: json });
    }
    events.push({ type: 'response.output_item.done', output_index: this.index(item), item });
  }

  private closeReasoning(events: OutputEvent[], item: ReasoningItem): void {
    const part = item.content[0]!;
    const at = this.part(item);
    events.push({ type: 'response.reasoning_text.done', ...at, text: part.text });
    events.push({ type: 'response.content_part.done', ...at, part });
  }

  private closeText(events: OutputEvent[], item: MessageItem): void {
    const part = item.content[0]!;
    part.annotations = annotationsOf(part.text, this.citable);
    const at = this.part(item);
    for (const [annotation_index, annotation] of part.annotations.entries()) {
      const type = 'response.output_text.annotation.added';
      events.push({ type, ...at, annotation_index, annotation });
    }
    const { text, logprobs } = part;
    events.push({ type: 'response.output_text.done', ...at, text, logprobs });
    events.push({ type: 'response.content_part.done', ...at, part });
  }

  private index(item: OutputItem): number {
    return this.items.indexOf(item);
  }

  private place(item: OutputItem) {
    return { output_index: this.index(item), item_id: item.id };
  }

  private part(item: OutputItem) {
    return { ...this.place(item), content_index: 0 };
  }
}

function resultOf({ fileId, fileName, score, text, attributes }: Passage) {
  return { file_id: fileId, filename: fileName, score, text, attributes: attributes ?? {} };
}
