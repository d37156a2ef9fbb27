/**
 * Questions through the whole service with drafting and without, and llama.cpp
 * on the very same prompts, the three taking turns.
 */
import { median } from '../statistics.ts';
import { streamChat } from '../stream-chat.ts';
import type { LlamaProcess } from './llama-process.ts';
import { decodeRate, type Run } from './run.ts';
import type { RealService } from './service.ts';

const SEED = 7;

export interface AnswerSpeeds {
  /** Tokens a second after the first text, with drafting, without, and llama.cpp's. */
  on: number;
  off: number;
  llamacpp: number;
  onOverOff: number;
  onOverLlamacpp: number;
  /** Tokens a step commits with drafting. */
  mat: number;
  /** Median from the request to the first text with drafting, retrieval and all. */
  ttftMs: number;
  /** Median of llama.cpp's first token, from the finished prompt. */
  ttftLlamacppMs: number;
  /** Median length of the prompts. */
  promptTokens: number;
  /** Pairs of answers with drafting and without whose texts differ. */
  different: number;
}

export interface Asking {
  service: RealService;
  llama: LlamaProcess;
  /** Counts tokens of a text. */
  count(text: string): number;
  rounds: number;
  maxTokens: number;
}

interface ServiceRun extends Run {
  text: string;
  steps: number;
  committed: number;
}

type Mode = 'on' | 'off';

/** @param fields of the requests, beside the question */
export async function measureAnswers(
  asking: Asking,
  questions: readonly string[],
  fields: object,
): Promise<AnswerSpeeds> {
  const { service, llama, rounds, maxTokens } = asking;
  const runs: Record<Mode, ServiceRun[]> = { on: [], off: [] };
  const others: Run[] = [];
  // Also what warms both sides up.
  const prompts = new Map<string, number[]>();
  for (const question of questions) {
    await ask(asking, question, 'off', { ...fields, max_tokens: 1 });
    prompts.set(question, await service.lastPrompt());
  }
  const contestants: ((question: string) => Promise<void>)[] = [
    async (question) => void runs.on.push(await ask(asking, question, 'on', fields)),
    async (question) => void runs.off.push(await ask(asking, question, 'off', fields)),
    async (question) => {
      const prompt = prompts.get(question)!;
      others.push(await llama.run({ prompt, maxTokens, ignoreEnd: false }));
    },
  ];
  let turn = 0;
  for (let round = 0; round < rounds; round++) {
    for (const question of questions) {
      const first = turn++ % contestants.length;
      const order = [...contestants.slice(first), ...contestants.slice(0, first)];
      for (const contestant of order) await contestant(question);
    }
  }
  return summarise(runs, others);
}

async function ask(
  { service, count, maxTokens }: Asking,
  question: string,
  mode: Mode,
  fields: object,
): Promise<ServiceRun> {
  const { text, firstText, ttftMs, seconds, usage } = await streamChat(service.url, {
    messages: [{ role: 'user', content: question }],
    temperature: 0,
    seed: SEED,
    max_tokens: maxTokens,
    // Questions come again in every round: past answers would be measured, not drafting.
    speculation: { mode, memory: false, stats: true },
    ...fields,
  });
  const { steps, mean_accepted } = usage.speculation!;
  return {
    text,
    promptTokens: usage.prompt_tokens,
    firstMs: ttftMs,
    tokens: usage.completion_tokens - count(firstText),
    tokensMs: seconds * 1000 - ttftMs,
    steps,
    committed: Math.round(steps * mean_accepted),
  };
}

function summarise(runs: Record<Mode, ServiceRun[]>, others: readonly Run[]): AnswerSpeeds {
  const [on, off, llamacpp] = [decodeRate(runs.on), decodeRate(runs.off), decodeRate(others)];
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const steps = sum(runs.on.map((run) => run.steps));
  const committed = sum(runs.on.map((run) => run.committed));
  return {
    on,
    off,
    llamacpp,
    onOverOff: on / off,
    onOverLlamacpp: on / llamacpp,
    mat: committed / steps,
    ttftMs: median(runs.on.map(({ firstMs }) => firstMs)),
    ttftLlamacppMs: median(others.map(({ firstMs }) => firstMs)),
    promptTokens: median(runs.on.map(({ promptTokens }) => promptTokens)),
    different: runs.on.filter(({ text }, i) => text !== runs.off[i]!.text).length,
  };
}
