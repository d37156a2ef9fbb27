/** The same questions in every variant, which take turns question by question. */
import { streamChat } from '../stream-chat.ts';
import type { Variant } from './variants.ts';

export const MAX_TOKENS = 96;
export const SEED = 11;

export interface Figures {
  /** Tokens committed per verify step. */
  mat: number;
  tokensPerSecond: number;
  /** Share of the answers in which the model took part. */
  drafting: number;
}

export interface Comparison {
  figures: Record<string, Figures>;
  /** Questions whose answers differ between variants: 0, or drafting is not lossless. */
  different: number;
}

export interface Asked {
  questions: readonly string[];
  /** Asked before, in every variant: what a scheduler has to have seen once. */
  warmUp: readonly string[];
  grounded: boolean;
  temperature: number;
}

class Total {
  steps = 0;
  committed = 0;
  tokens = 0;
  seconds = 0;
  drafting = 0;
}

export async function compare(
  url: string,
  variants: Readonly<Record<string, Variant>>,
  { questions, warmUp, grounded, temperature }: Asked,
): Promise<Comparison> {
  const names = Object.keys(variants);
  const totals = new Map(names.map((name) => [name, new Total()]));
  const ask = (question: string, name: string) =>
    streamChat(url, {
      messages: [{ role: 'user', content: question }],
      temperature,
      seed: SEED,
      max_tokens: MAX_TOKENS,
      ...(!grounded && { vector_store_ids: [] }),
      speculation: { ...variants[name], memory: false, stats: true },
    });
  for (const question of warmUp) for (const name of names) await ask(question, name);
  let different = 0;
  for (const [round, question] of questions.entries()) {
    const texts = new Set<string>();
    // Whoever asks first pays for the prefill, and each for what the one before leaves behind: all do in turn.
    for (const name of inTurn(names, round)) {
      const { text, usage, seconds } = await ask(question, name);
      texts.add(text);
      const { steps, mean_accepted, draft_model } = usage.speculation!;
      const total = totals.get(name)!;
      total.steps += steps;
      total.committed += steps * mean_accepted;
      total.tokens += usage.completion_tokens;
      total.seconds += seconds;
      if (draft_model) total.drafting++;
    }
    if (texts.size > 1) different++;
  }
  const figures = Object.fromEntries(
    names.map((name) => {
      const { steps, committed, tokens, seconds, drafting } = totals.get(name)!;
      const figures = {
        mat: round(committed / steps),
        tokensPerSecond: round(tokens / seconds),
        drafting: round(drafting / questions.length),
      };
      return [name, figures];
    }),
  );
  return { figures, different };
}

/** Each first in turn, forwards and backwards. */
function inTurn(names: readonly string[], round: number): string[] {
  const first = round % names.length;
  const order = [...names.slice(first), ...names.slice(0, first)];
  return round % 2 === 0 ? order : [order[0]!, ...order.slice(1).reverse()];
}

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
