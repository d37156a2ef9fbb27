/** What the verifier commits, as text: end tokens dropped, characters whole, stop strings cut. */

import { SOURCE_NAMES, type SourceName } from '../draft/source.ts';
import type { Accept, DoneReason } from '../link/frames/index.ts';
import type { ModelRecord } from '../store/model.ts';
import { Detokenizer } from './detokenize.ts';
import { StopStrings } from './stop.ts';

/** A token's text and where it was accepted from. */
export interface Piece {
  text: string;
  source: SourceName;
}

/** What one verify step gave the user. */
export interface Step {
  pieces: Piece[];
  /** Tokens of the step that belong to the answer. */
  tokens: number;
  drafted: number;
  micros: number;
}

export class TextStream {
  finish: 'stop' | 'length' = 'stop';
  private readonly detokenizer: Detokenizer;
  private readonly stops: StopStrings;
  private readonly eosIds: ReadonlySet<number>;

  constructor(model: ModelRecord, stop: readonly string[]) {
    this.detokenizer = new Detokenizer({
      decode: (ids) => model.tokenizer.decode(ids, { skip_special_tokens: true }),
    });
    this.stops = new StopStrings(stop);
    this.eosIds = new Set(model.eosIds);
  }

  /** Whether a stop string ended the answer: what the verifier goes on to say is not wanted. */
  get stopped(): boolean {
    return this.stops.stopped;
  }

  push(accept: Accept): Step {
    const step: Step = {
      pieces: [],
      tokens: 0,
      drafted: accept.drafted,
      micros: accept.stepMicros,
    };
    for (let i = 0; i < accept.tokens.length && !this.stopped; i++) {
      const token = accept.tokens[i]!;
      if (this.eosIds.has(token)) break;
      step.tokens++;
      const text = this.stops.push(this.detokenizer.push(token));
      if (text !== '') step.pieces.push({ text, source: SOURCE_NAMES[accept.sources[i]!]! });
    }
    return step;
  }

  /** What was held back to the end, if anything. */
  end(reason: Exclude<DoneReason, 'cancelled'>): Step | null {
    if (reason === 'length') this.finish = 'length';
    const text = this.stops.push(this.detokenizer.flush()) + this.stops.flush();
    if (text === '') return null;
    return { pieces: [{ text, source: 'target' }], tokens: 0, drafted: 0, micros: 0 };
  }
}
