/**
 * Streams at once through the whole service, with drafting and without, the two
 * taking turns in one run: what drafting brings at each load, with passages and
 * without. The goal is that it never loses.
 *
 *   npm run bench:streams [-- --model FOLDER] [-- --json] [-- --streams 1,2,4,8,16]
 *                         [-- --rounds 6] [-- --tokens 64]
 *
 * A round sends each stream its question. Memory is off: questions come again, and what
 * was answered before would be drafted whole. Each pair of rounds gives a ratio. The
 * bench reports their mean and its standard error: single rounds differ by a tenth.
 */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../local/root.ts';
import { startService } from '../test/support/service.ts';
import { atLeast, printGoals } from './goals.ts';
import { quantile } from './statistics.ts';
import { type StreamedChat, streamChatPatiently } from './stream-chat.ts';

const json = process.argv.includes('--json');
const model = text('--model', '');
const loads = text('--streams', '1,2,4,8,16').split(',').map(Number);
const rounds = Number(text('--rounds', '6'));
if (!(rounds >= 2)) throw new Error('--rounds must be 2 or more: one pair has no standard error');
const maxTokens = Number(text('--tokens', '64'));
/** Rounds of each mode before those that count: V8 compiles what drafts during the first seconds of a load. */
const WARMING_ROUNDS = 3;
const MODES = ['off', 'on'] as const;
type Mode = (typeof MODES)[number];

/** Asked without passages: what a model says of itself. */
const UNGROUNDED = [
  'Tell me a story about a lighthouse.',
  'How does a bicycle stay upright?',
  'Write a letter to a friend about the sea.',
  'Explain why leaves change their colour.',
  'What makes a good cup of tea?',
  'Describe a market in the morning.',
];

interface Side {
  tokensPerSecond: number;
  /** Tokens a step of a stream. */
  mat: number;
  ttftMs: { p50: number; p90: number };
}

interface Load {
  on: Side;
  off: Side;
  /** Geometric mean of the ratios of pairs of rounds, and its standard error. */
  onOverOff: number;
  error: number;
}

type Table = Record<number, Load>;

async function main(): Promise<void> {
  const load = loadavg()[0]!;
  const grounded: string[] = JSON.parse(
    readFileSync(join(ROOT, 'web/demo/questions.json'), 'utf8'),
  );
  const service = await startService(model ? { model } : {});
  const tables: Record<'grounded' | 'ungrounded', Table> = { grounded: {}, ungrounded: {} };
  try {
    for (const [kind, questions] of [
      ['grounded', grounded],
      ['ungrounded', UNGROUNDED],
    ] as const) {
      for (const streams of loads) {
        const more = kind === 'grounded' ? {} : { vector_store_ids: [] };
        tables[kind][streams] = await measure(service.url, questions, streams, more);
        if (!json) print(kind, streams, tables[kind][streams]);
      }
    }
  } finally {
    await service.stop();
  }
  const goals = Object.entries(tables).flatMap(([kind, table]) =>
    Object.entries(table).map(([streams, { onOverOff }]) =>
      atLeast(`${kind}, ${streams} at once, drafting over none`, onOverOff, 1),
    ),
  );
  if (json) {
    const settings = { rounds, tokens: maxTokens, load };
    console.log(JSON.stringify({ model: service.model, ...settings, ...tables, goals }));
  } else {
    printGoals(goals, console.log);
  }
}

/** Rounds of both modes in turns, after some that are not counted: prompts are in the cache, sizes of trees learnt. */
async function measure(
  url: string,
  questions: readonly string[],
  streams: number,
  more: object,
): Promise<Load> {
  const done: Record<Mode, Round[]> = { off: [], on: [] };
  for (let round = -WARMING_ROUNDS; round < rounds; round++) {
    // What comes second may find a quieter machine, or a busier one: take turns.
    for (const mode of round % 2 === 0 ? MODES : MODES.toReversed()) {
      const began = performance.now();
      const chats = await Promise.all(
        Array.from({ length: streams }, (_, i) =>
          streamChatPatiently(url, {
            messages: [{ role: 'user', content: questions[i % questions.length] }],
            temperature: 0,
            max_tokens: maxTokens,
            speculation: { mode, memory: false, stats: true },
            ...more,
          }),
        ),
      );
      if (round >= 0) done[mode].push({ chats, seconds: (performance.now() - began) / 1000 });
    }
  }
  const ratios = done.on.map((round, i) => Math.log(speedOf(round) / speedOf(done.off[i]!)));
  const mean = sum(ratios) / rounds;
  const variance = sum(ratios.map((one) => (one - mean) ** 2)) / (rounds - 1);
  const error = Math.exp(mean) * Math.sqrt(variance / rounds);
  return { on: sideOf(done.on), off: sideOf(done.off), onOverOff: Math.exp(mean), error };
}

interface Round {
  chats: StreamedChat[];
  seconds: number;
}

/** Tokens a second. */
function speedOf({ chats, seconds }: Round): number {
  return sum(chats.map(({ usage }) => usage.completion_tokens)) / seconds;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function sideOf(done: readonly Round[]): Side {
  const chats = done.flatMap((round) => round.chats);
  const seconds = sum(done.map((round) => round.seconds));
  const tokens = sum(chats.map(({ usage }) => usage.completion_tokens));
  const steps = sum(chats.map(({ usage }) => usage.speculation?.steps ?? 0));
  const ttft = chats.map(({ ttftMs }) => ttftMs);
  return {
    tokensPerSecond: tokens / seconds,
    mat: tokens / steps,
    ttftMs: { p50: quantile(ttft, 0.5), p90: quantile(ttft, 0.9) },
  };
}

function print(kind: string, streams: number, { on, off, onOverOff, error }: Load): void {
  const side = ({ tokensPerSecond, mat, ttftMs }: Side) =>
    `${tokensPerSecond.toFixed(1)} tokens/s (${mat.toFixed(1)} a step, first text ${ttftMs.p50.toFixed(0)} ms)`;
  console.log(
    `${kind}, ${streams} at once: ${onOverOff.toFixed(2)} ± ${error.toFixed(2)} ×, ${side(on)} against ${side(off)}`,
  );
}

function text(name: string, fallback: string): string {
  const at = process.argv.indexOf(name);
  return (at > 0 && process.argv[at + 1]) || fallback;
}

await main();
