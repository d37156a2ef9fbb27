/** The answers to a chat as its completion, whole and in chunks. */
import type { Answer } from '../../generate/answer.ts';
import type { Step } from '../../generate/text-stream.ts';
import type { TokenLogprobs } from '../../generate/token-logprobs.ts';
import { newId } from '../../store/ids.ts';
import type { Send } from '../answers/event-stream.ts';
import { annotationsOf } from '../answers/file-search-tool.ts';
import { callableNames } from '../answers/function-tools.ts';
import { chatLogprobs } from '../answers/logprobs.ts';
import { readAll } from '../answers/read-all.ts';
import { streamsUsage, usageOf } from '../answers/usage.ts';
import { AssistantMessage } from './assistant-message.ts';
import { rankedChoices } from './ranked-choices.ts';
import type { ChatRequest } from './schema.ts';
import { functionUseOf } from './to-generation.ts';
import { traceOf } from './trace.ts';

export class ChatCompletion {
  private readonly answers: readonly Answer[];
  private readonly body: ChatRequest;
  private readonly head: { id: string; created: number; model: string };
  private readonly callable: ReadonlySet<string> | null;

  /** @param answers at least one: the choices, in order */
  constructor(answers: readonly Answer[], body: ChatRequest) {
    this.answers = answers;
    this.body = body;
    this.callable = callableNames(functionUseOf(body));
    this.head = {
      id: newId('chatcmpl-'),
      created: Math.floor(Date.now() / 1000),
      model: answers[0]!.model.id,
    };
  }

  async whole(): Promise<object> {
    const { answers, body, head } = this;
    const { trace } = body.speculation;
    const traced: Step[] = [];
    const choices = await readAll(answers, async (answer, index) => {
      const message = new AssistantMessage(this.callable);
      const logprobs: TokenLogprobs[] = [];
      for await (const step of answer.steps()) {
        message.push(step);
        logprobs.push(...step.logprobs);
        if (trace) traced.push(step);
      }
      message.end();
      return {
        index,
        message: {
          ...message.toMessage(),
          annotations: annotationsOf(message.content, answer.citable),
        },
        logprobs: body.logprobs ? chatLogprobs(answer.model, logprobs) : null,
        finish_reason: message.finishReason(answer.finishReason),
      };
    });
    return {
      ...head,
      object: 'chat.completion',
      choices: body.rank ? await rankedChoices(choices) : choices,
      usage: usageOf(answers, body.speculation),
      ...(trace && { espalier: { passages: passagesOf(answers[0]!), ...traceOf(traced) } }),
    };
  }

  /** Choices come as they grow, distinguished by their index. */
  async stream(send: Send): Promise<void> {
    const { answers, body } = this;
    await readAll(answers, (answer, index) => this.streamChoice(send, answer, index));
    if (!streamsUsage(body)) return;
    await this.chunk(send, { choices: [], usage: usageOf(answers, body.speculation) });
  }

  private async streamChoice(send: Send, answer: Answer, index: number): Promise<void> {
    const { trace } = this.body.speculation;
    const chunk = (
      delta: object,
      { logprobs = [], finish = null, espalier }: ChoiceExtras = {},
    ) => {
      const reported = logprobs.length > 0 ? chatLogprobs(answer.model, logprobs) : null;
      const choice = { index, delta, logprobs: reported, finish_reason: finish };
      return this.chunk(send, { choices: [choice], ...(trace && espalier && { espalier }) });
    };
    await chunk({ role: 'assistant', content: '' }, { espalier: { passages: passagesOf(answer) } });
    const message = new AssistantMessage(this.callable);
    for await (const step of answer.steps()) {
      const delta = message.push(step);
      const isEmpty = Object.keys(delta).length === 0;
      if (isEmpty && step.logprobs.length === 0 && !trace) continue;
      await chunk(delta, { logprobs: step.logprobs, espalier: traceOf([step]) });
    }
    const rest = message.end();
    const annotations = annotationsOf(message.content, answer.citable);
    await chunk(
      { ...rest, ...(annotations.length > 0 && { annotations }) },
      { finish: message.finishReason(answer.finishReason) },
    );
  }

  private chunk(send: Send, fields: object): Promise<void> {
    const usage = streamsUsage(this.body) && { usage: null };
    return send({ ...this.head, object: 'chat.completion.chunk', ...usage, ...fields });
  }
}

interface ChoiceExtras {
  logprobs?: readonly TokenLogprobs[];
  finish?: string | null;
  /** Sent where the request asks for a trace. */
  espalier?: object;
}

function passagesOf(answer: Answer) {
  return answer.passages.map((passage, i) => ({
    index: i + 1,
    id: passage.id,
    file_id: passage.fileId,
    filename: passage.fileName,
    title: passage.title,
    heading: passage.heading,
    text: passage.text,
    score: passage.score,
    start: passage.start,
    end: passage.end,
  }));
}
