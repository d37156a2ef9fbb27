/** Asks for an answer, streamed or whole, and gives it in one form: what can be compared to the bit. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventData } from '../support/event-data.ts';

const LOST = 503;
const PAUSES_MS = [250, 500, 1_000, 2_000];

interface Choice {
  text: string;
  finish: string | null;
  /** As they came: tokens, log-probabilities, alternatives. JSON keeps every bit of a number. */
  logprobs: unknown[];
}

export interface Answer {
  /** By index. */
  choices: Choice[];
  /** Tokens of all choices. */
  tokens: number;
  /** Verifier steps, where the request asks for `speculation.stats`. */
  steps: number;
}

interface Delta {
  index: number;
  finish_reason: string | null;
  logprobs?: { content: unknown[] } | null;
  delta?: { content?: string | null };
  message?: { content: string };
}

interface Usage {
  completion_tokens: number;
  speculation?: { steps: number };
}

/**
 * `onText` sees how much of the first choice's text there is, as it grows. Throws on
 * an error status or event.
 */
export async function answer(
  url: string,
  body: object,
  stream: boolean,
  onText: (length: number) => void = () => {},
): Promise<Answer> {
  const response = await ask(`${url}/v1/chat/completions`, {
    ...body,
    stream,
    ...(stream && { stream_options: { include_usage: true } }),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  const found: Answer = { choices: [], tokens: 0, steps: 0 };
  const take = ({ choices, usage }: { choices: Delta[]; usage?: Usage | null }) => {
    for (const part of choices) {
      const choice = found.choices[part.index] ?? { text: '', finish: null, logprobs: [] };
      found.choices[part.index] = choice;
      choice.text += part.delta?.content ?? part.message?.content ?? '';
      choice.finish = part.finish_reason ?? choice.finish;
      choice.logprobs.push(...(part.logprobs?.content ?? []));
    }
    found.tokens = usage?.completion_tokens ?? found.tokens;
    found.steps = usage?.speculation?.steps ?? found.steps;
    onText(found.choices[0]?.text.length ?? 0);
  };
  if (!stream) take((await response.json()) as { choices: Delta[]; usage: Usage });
  else for await (const data of eventsOf(response)) take(data);
  return found;
}

/** Asks again while the local runtime, on a busy machine, loses the request before the worker sees it. */
async function ask(url: string, body: object): Promise<Response> {
  for (const pauseMs of PAUSES_MS) {
    const response = await post(url, body);
    // The worker names all its answers, its own refusals too.
    if (response.status !== LOST || response.headers.has('x-request-id')) return response;
    await response.body?.cancel();
    await sleep(pauseMs);
  }
  return post(url, body);
}

function post(url: string, body: object): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function* eventsOf(response: Response) {
  for await (const data of eventData(response)) {
    if (data === '[DONE]') return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Error(chunk.error.message);
    yield chunk as { choices: Delta[]; usage?: Usage | null };
  }
  throw new Error('the stream ended without [DONE]');
}

/** Does `task` for each of `items`, so many at once; results in their order. */
export async function inCompany<Item, Result>(
  items: readonly Item[],
  most: number,
  task: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const work = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await task(items[i]!, i);
  };
  await Promise.all(Array.from({ length: most }, work));
  return results;
}
