/** What the verifier commits, as text: end tokens dropped, characters whole, stop strings cut. */

import { SOURCE_NAMES, type SourceName } from '../draft/source.ts';
import type { Accept, DoneReason } from '../link/protocol/index.ts';
import { Detokenizer } from './detokenize.ts';
import { StopStrings } from './stop.ts';
import { type TokenLogprobs, tokenLogprobs, WaitingLogprobs } from './token-logprobs.ts';

/** What of the model makes text of tokens. */
export interface TextModel {
  eosIds: readonly number[];
  tokenizer: { decode(ids: number[], options: { skip_special_tokens: boolean }): string };
}

/** A token's text and where it was accepted from. */
export interface Piece {
  text: string;
  source: SourceName;
  /** Tokens of the answer that it takes: more than one where a character is in several. */
  tokens: number;
}

/** What one verify step gave the user. */
export interface Step {
  pieces: Piece[];
  /** What the model thought before it said anything. */
  thoughts?: Piece[];
  /** Of the tokens that these pieces say, where the request asks for it. */
  logprobs: TokenLogprobs[];
  /** Tokens of the step that belong to the answer. */
  tokens: number;
  drafted: number;
  micros: number;
  /** Of a long prompt, tokens that the model has read so far: before the first step. */
  promptRead?: { tokens: number; of: number };
}

export class TextStream {
  finish: 'stop' | 'length' = 'stop';
  private readonly detokenizer: Detokenizer;
  private readonly stops: StopStrings;
  private readonly waiting = new WaitingLogprobs();
  private readonly eosIds: ReadonlySet<number>;
  /** Tokens whose text is not out. */
  private silent = 0;

  constructor(model: TextModel, stop: readonly string[]) {
    this.detokenizer = new Detokenizer({
      decode: (ids) => model.tokenizer.decode(ids, { skip_special_tokens: true }),
    });
    this.stops = new StopStrings(stop);
    this.eosIds = new Set(model.eosIds);
  }

  /** Whether a stop string ended the answer: what the verifier continues to say is not wanted. */
  get stopped(): boolean {
    return this.stops.stopped;
  }

  push(accept: Accept): Step {
    const step: Step = {
      pieces: [],
      logprobs: [],
      tokens: 0,
      drafted: accept.drafted,
      micros: accept.stepMicros,
    };
    for (let i = 0; i < accept.tokens.length && !this.stopped; i++) {
      const token = accept.tokens[i]!;
      if (this.eosIds.has(token)) break;
      step.tokens++;
      this.silent++;
      const decoded = this.detokenizer.push(token);
      const text = this.stops.push(decoded);
      if (accept.logprobs) {
        const entry = tokenLogprobs(accept, accept.logprobs, i, this.waiting.length);
        step.logprobs.push(...this.waiting.push(entry, decoded.length, text.length));
      }
      if (text === '') continue;
      step.pieces.push({ text, source: SOURCE_NAMES[accept.sources[i]!]!, tokens: this.silent });
      this.silent = 0;
    }
    return step;
  }

  /** What was held back to the end, if anything. */
  end(reason: Exclude<DoneReason, 'cancelled'>): Step | null {
    if (reason === 'length') this.finish = 'length';
    const rest = this.detokenizer.flush();
    // A length may end inside a character: what there is of it is not text.
    const whole = reason === 'length' ? rest.replace(/\ufffd+$/, '') : rest;
    const text = this.stops.push(whole) + this.stops.flush();
    const logprobs = this.stopped ? this.waiting.release(text.length) : this.waiting.flush();
    if (text === '' && logprobs.length === 0) return null;
    const pieces: Piece[] = text === '' ? [] : [{ text, source: 'target', tokens: this.silent }];
    return { pieces, logprobs, tokens: 0, drafted: 0, micros: 0 };
  }
}

export function textOf(pieces: readonly Piece[]): string {
  return pieces.map(({ text }) => text).join('');
}
