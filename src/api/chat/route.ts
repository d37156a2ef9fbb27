/** POST /v1/chat/completions, streaming and not. */
import { Hono } from 'hono';
import type { Answer } from '../../generate/answer.ts';
import type { Step } from '../../generate/text-stream.ts';
import type { TokenLogprobs } from '../../generate/token-logprobs.ts';
import { newId } from '../../store/ids.ts';
import { deliver } from '../answers/deliver.ts';
import { annotationsOf } from '../answers/file-search-tool.ts';
import { mayCall } from '../answers/function-tools.ts';
import { chatLogprobs } from '../answers/logprobs.ts';
import { Said } from '../answers/said.ts';
import { together } from '../answers/together.ts';
import { turnFailure } from '../answers/turn-failure.ts';
import { usageOf } from '../answers/usage.ts';
import { readBody } from '../body.ts';
import type { AppEnv } from '../context.ts';
import { eventStream, type Send } from '../event-stream.ts';
import { beginChat } from './begin.ts';
import { type ChatRequest, chatRequestSchema } from './schema.ts';

export const chat = new Hono<AppEnv>();

chat.post('/completions', async function createChatCompletion(c) {
  const body = await readBody(c, chatRequestSchema);
  const { model, answers } = await beginChat(c, body);
  const head = {
    id: newId('chatcmpl-'),
    created: Math.floor(Date.now() / 1000),
    model: model.id,
  };
  return deliver(
    c,
    answers,
    body.stream,
    () => complete(answers, body, head),
    (ending) =>
      eventStream(c, {
        ...ending,
        say: (send) => streamAnswers(send, answers, body, head),
        failure: (error) => turnFailure(error, 'messages'),
      }),
  );
});

interface Head {
  id: string;
  created: number;
  model: string;
}

async function complete(answers: readonly Answer[], body: ChatRequest, head: Head) {
  const traced: Step[] = [];
  try {
    const choices = await together(answers, async (answer, index) => {
      const said = new Said(mayCall(body));
      const told: TokenLogprobs[] = [];
      for await (const step of answer.steps()) {
        for (const { text } of step.pieces) said.push(text);
        told.push(...step.logprobs);
        if (body.speculation.trace) traced.push(step);
      }
      said.end();
      return {
        index,
        message: {
          ...said.message(),
          annotations: annotationsOf(said.content, answer.citable),
        },
        logprobs: body.logprobs ? chatLogprobs(answer.model, told) : null,
        finish_reason: said.finish(answer.finish()),
      };
    });
    return {
      ...head,
      object: 'chat.completion',
      choices,
      usage: usageOf(answers, body.speculation),
      ...(body.speculation.trace && {
        espalier: { passages: passages(answers[0]!), ...trace(traced) },
      }),
    };
  } catch (error) {
    throw turnFailure(error, 'messages');
  }
}

/** Choices come as they grow, told apart by their index. */
async function streamAnswers(
  send: Send,
  answers: readonly Answer[],
  body: ChatRequest,
  head: Head,
) {
  const { speculation, stream_options } = body;
  const withUsage = stream_options?.include_usage || speculation.stats || speculation.transfer > 0;

  function chunk(fields: object): Promise<void> {
    return send({ ...head, object: 'chat.completion.chunk', ...fields });
  }
  async function streamOne(answer: Answer, index: number): Promise<void> {
    function choice(
      delta: object,
      finish_reason: string | null = null,
      told: readonly TokenLogprobs[] = [],
    ) {
      const logprobs = told.length > 0 ? chatLogprobs(answer.model, told) : null;
      return { choices: [{ index, delta, logprobs, finish_reason }] };
    }
    await chunk({
      ...choice({ role: 'assistant', content: '' }),
      ...(speculation.trace && { espalier: { passages: passages(answer) } }),
    });
    const said = new Said(mayCall(body));
    for await (const step of answer.steps()) {
      const delta = said.push(step.pieces.map(({ text }) => text).join(''));
      const isEmpty = Object.keys(delta).length === 0;
      if (isEmpty && step.logprobs.length === 0 && !speculation.trace) continue;
      await chunk({
        ...choice(delta, null, step.logprobs),
        ...(speculation.trace && { espalier: trace([step]) }),
      });
    }
    const rest = said.end();
    const annotations = annotationsOf(said.content, answer.citable);
    const last = { ...rest, ...(annotations.length > 0 && { annotations }) };
    await chunk(choice(last, said.finish(answer.finish())));
  }

  await together(answers, streamOne);
  if (withUsage) await chunk({ choices: [], usage: usageOf(answers, speculation) });
}

function passages(answer: Answer) {
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

function trace(steps: readonly Step[]) {
  return {
    tokens: steps.flatMap(({ pieces }) => pieces),
    steps: steps
      .filter(({ tokens, drafted }) => tokens > 0 || drafted > 0)
      .map(({ tokens, drafted, micros }) => ({ accepted: tokens, drafted, micros })),
  };
}
