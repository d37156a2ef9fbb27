/** The answer to a request for a response, whole and as events. */
import type { Answer } from '../../generate/answer.ts';
import { newId } from '../../store/ids.ts';
import type { Send } from '../answers/event-stream.ts';
import { callableNames } from '../answers/function-tools.ts';
import { fileSearchOf } from '../answers/grounding.ts';
import { usageOf } from '../answers/usage.ts';
import { type OutputEvent, type OutputItem, ResponseOutput } from './output.ts';
import type { ResponseRequest } from './schema.ts';
import { functionUseOf, questionOf } from './to-generation.ts';

/** An event of a stream: of the response as a whole, or of an item of its output. */
export type ResponseEvent = OutputEvent | { type: string; response: { status: string } };

export class ResponseAnswer {
  private readonly answer: Answer;
  private readonly body: ResponseRequest;
  private readonly output: ResponseOutput;
  private readonly head: { id: string; created_at: number; model: string };

  constructor(answer: Answer, body: ResponseRequest) {
    this.answer = answer;
    this.body = body;
    this.output = new ResponseOutput(
      answer.model,
      answer.citable,
      callableNames(functionUseOf(body)),
    );
    this.head = {
      id: newId('resp_'),
      created_at: Math.floor(Date.now() / 1000),
      model: answer.model.id,
    };
  }

  async whole(): Promise<object> {
    for await (const _ of this.items());
    return this.toObject(this.answer.finishReason);
  }

  async stream(send: Send<ResponseEvent>): Promise<void> {
    await send({ type: 'response.created', response: this.toObject(null) });
    await send({ type: 'response.in_progress', response: this.toObject(null) });
    for await (const event of this.items()) await send(event);
    const response = this.toObject(this.answer.finishReason);
    await send({ type: `response.${response.status}`, response });
  }

  /** Events of its items, as they come. */
  private async *items(): AsyncGenerator<OutputEvent> {
    const { answer, body, output } = this;
    if (fileSearchOf(body.tools)) {
      const reportsResults = body.include?.includes('file_search_call.results') ?? false;
      // What the request itself brought was not found.
      const found = answer.passages.filter(({ id }) => id !== null);
      yield* output.addSearch(questionOf(body), reportsResults ? found : null);
    }
    for await (const step of answer.steps()) yield* output.push(step);
    yield* output.end(answer.finishReason);
  }

  /** @param finish null while the answer continues */
  private toObject(finish: 'stop' | 'length' | null) {
    const { body, output, head } = this;
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
      usage: finish === null ? null : this.usage(),
      user: body.user ?? null,
      metadata: body.metadata ?? {},
    };
  }

  /** The chat's under its newer names. */
  private usage() {
    const { prompt_tokens, prompt_tokens_details, completion_tokens, total_tokens, ...rest } =
      usageOf([this.answer], this.body.speculation);
    const { completion_tokens_details: details, ...speculation } = rest;
    return {
      input_tokens: prompt_tokens,
      input_tokens_details: prompt_tokens_details,
      output_tokens: completion_tokens,
      output_tokens_details: { reasoning_tokens: details?.reasoning_tokens ?? 0 },
      total_tokens,
      ...speculation,
    };
  }
}
