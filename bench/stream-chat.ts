/** A minimal streaming client: what a browser or SDK does, with a clock. */
import { setTimeout } from 'node:timers/promises';

/** Further tries of a busy service. */
const PATIENCE = 3;

interface ChatUsage {
  prompt_tokens: number;
  completion_tokens: number;
  prompt_tokens_details: { cached_tokens: number };
  speculation?: {
    steps: number;
    drafted: number;
    accepted: number;
    mean_accepted: number;
    by_source: Record<string, number>;
    draft_model: { context_tokens: number } | null;
  };
}

export interface StreamedChat {
  text: string;
  /** What came first of it. */
  firstText: string;
  finish: string | null;
  usage: ChatUsage;
  /** Until the first text. */
  ttftMs: number;
  /** Until the last byte. */
  seconds: number;
}

/** An answer with an error status. */
export class ChatRefused extends Error {
  readonly status: number;
  /** Seconds, as the header says. */
  readonly retryAfter: string | null;
  constructor({ status, headers }: Response, body: string) {
    super(`${status}: ${body}`);
    this.status = status;
    this.retryAfter = headers.get('retry-after');
  }
}

/**
 * Asks for a stream with usage and reads it to the end. Throws on an error status or event.
 * @param headers more of them
 */
export async function streamChat(
  url: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<StreamedChat> {
  const started = performance.now();
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
  });
  if (!response.ok) throw new ChatRefused(response, await response.text());
  let text = '';
  let firstText = '';
  let finish: string | null = null;
  let usage: ChatUsage | null = null;
  let ttftMs = Number.NaN;
  let complete = false;
  let buffer = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body!) {
    buffer += decoder.decode(bytes, { stream: true });
    const events = buffer.split('\n\n');
    buffer = events.pop()!;
    for (const event of events) {
      const data = event.replace(/^data: /, '');
      if (data === '[DONE]') {
        complete = true;
        continue;
      }
      const chunk = JSON.parse(data);
      if (chunk.error) throw new Error(chunk.error.message);
      const choice = chunk.choices[0];
      if (choice?.delta.content) {
        if (text === '') {
          ttftMs = performance.now() - started;
          firstText = choice.delta.content;
        }
        text += choice.delta.content;
      }
      finish = choice?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
  }
  if (!complete || !usage) throw new Error('the stream ended without usage and [DONE]');
  return { text, firstText, finish, usage, ttftMs, seconds: (performance.now() - started) / 1000 };
}

/** Asks again where the service is busy, when it says, as OpenAI's SDK does; waits don't count as the answer's. */
export async function streamChatPatiently(url: string, body: object): Promise<StreamedChat> {
  for (let tries = 0; ; tries++) {
    try {
      return await streamChat(url, body);
    } catch (error) {
      if (tries === PATIENCE || !(error instanceof ChatRefused) || !error.retryAfter) throw error;
      await setTimeout(Number(error.retryAfter) * 1000);
    }
  }
}
