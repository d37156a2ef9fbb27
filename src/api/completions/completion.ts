/** The answers to a completion, whole and in chunks. */
import type { Answer } from '../../generate/answer.ts';
import { textOf } from '../../generate/text-stream.ts';
import type { TokenLogprobs } from '../../generate/token-logprobs.ts';
import { newId } from '../../store/ids.ts';
import type { Send } from '../answers/event-stream.ts';
import { completionLogprobs } from '../answers/logprobs.ts';
import { readAll } from '../answers/read-all.ts';
import { streamsUsage, usageOf } from '../answers/usage.ts';
import type { CompletionRequest } from './schema.ts';

export class Completion {
  private readonly answers: readonly Answer[];
  private readonly body: CompletionRequest;
  /** What each answer begins with: its prompt, where the request says so. */
  private readonly echoes: readonly string[];
  private readonly head: { id: string; object: 'text_completion'; created: number; model: string };

  /**
   * @param answers the choices of the first prompt, then those of the next; at least one
   * @param prompts as text
   */
  constructor(answers: readonly Answer[], body: CompletionRequest, prompts: readonly string[]) {
    this.answers = answers;
    this.body = body;
    this.echoes = answers.map((_, i) => (body.echo ? prompts[Math.floor(i / body.n)]! : ''));
    this.head = {
      id: newId('cmpl-'),
      object: 'text_completion',
      created: Math.floor(Date.now() / 1000),
      model: answers[0]!.model.id,
    };
  }

  async whole(): Promise<object> {
    const { answers, body, head } = this;
    const choices = await readAll(answers, async (answer, index) => {
      let text = this.echoes[index]!;
      const logprobs: TokenLogprobs[] = [];
      for await (const step of answer.steps()) {
        for (const piece of step.pieces) text += piece.text;
        logprobs.push(...step.logprobs);
      }
      return {
        text,
        index,
        logprobs:
          body.logprobs == null ? null : completionLogprobs(answer.model, logprobs, body.logprobs),
        finish_reason: answer.finishReason,
      };
    });
    return { ...head, choices, usage: usageOf(answers, body.speculation, body.n) };
  }

  /** Choices come as they grow, distinguished by their index. */
  async stream(send: Send): Promise<void> {
    const { answers, body, head } = this;
    const usage = streamsUsage(body) && { usage: null };
    const chunk = (index: number, text: string, more: object = {}) => {
      const choice = { text, index, logprobs: null, finish_reason: null, ...more };
      return send({ ...head, choices: [choice], ...usage });
    };
    await readAll(answers, async (answer, index) => {
      if (this.echoes[index]) await chunk(index, this.echoes[index]);
      for await (const { pieces, logprobs } of answer.steps()) {
        const text = textOf(pieces);
        if (logprobs.length > 0) {
          const reported = completionLogprobs(answer.model, logprobs, body.logprobs ?? 0);
          await chunk(index, text, { logprobs: reported });
        } else if (text !== '') await chunk(index, text);
      }
      await chunk(index, '', { finish_reason: answer.finishReason });
    });
    if (!streamsUsage(body)) return;
    await send({ ...head, choices: [], usage: usageOf(answers, body.speculation, body.n) });
  }
}
