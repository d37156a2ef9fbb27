/** What a row's answers to questions of one kind come to. */
import type { Decoded } from '../drafters/decode.ts';
import { tokenF1, toldShare } from './score.ts';
import type { Question } from './sections.ts';

export interface Figures {
  /** Mean over the answers; of the words of a known answer that is short. */
  f1: number;
  /** Share of the known answers that are in the answers word for word. */
  told: number;
  /** Tokens committed a step. */
  mat: number;
  /** Runs of the network a step. */
  passes: number;
  /** Without the reading of the target's prompt, a network's reading of its own included. */
  tokensPerSecond: number;
  /** Over all time, the reading of each document once included. */
  withPrefill: number;
  /** Share of all tokens that were drawn where the network moved the target. */
  moved: number;
  /** Tokens of an answer, mean. */
  length: number;
}

export class Sums {
  private answers = 0;
  private f1 = 0;
  private told = 0;
  private tokens = 0;
  private steps = 0;
  private passes = 0;
  private moved = 0;
  private ms = 0;
  private prefillMs = 0;
  /** Of documents, which were read before. */
  private documentMs = 0;

  /** A document took `ms` to read, for all questions over it. */
  read(ms: number): void {
    this.documentMs += ms;
  }

  add({ answers }: Question, text: string, decoded: Decoded & { passes: number }): void {
    this.answers++;
    this.f1 += tokenF1(text, answers.join(' '));
    this.told += toldShare(text, answers);
    this.tokens += decoded.tokens.length;
    this.steps += decoded.steps;
    this.passes += decoded.passes;
    this.moved += decoded.moved;
    this.ms += decoded.firstMs + decoded.decodeMs;
    this.prefillMs += decoded.prefillMs;
  }

  get figures(): Figures {
    const { answers, tokens, ms, prefillMs, documentMs } = this;
    return {
      f1: this.f1 / answers,
      told: this.told / answers,
      mat: tokens / this.steps,
      passes: this.passes / this.steps,
      tokensPerSecond: (tokens / (ms - prefillMs)) * 1000,
      withPrefill: (tokens / (ms + documentMs)) * 1000,
      moved: this.moved / tokens,
      length: tokens / answers,
    };
  }
}
