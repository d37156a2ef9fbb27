/** What of a turn decides its tokens. */
import type { Grammar } from '../grammar/grammar.ts';
import type { AcceptChoice } from './choice.ts';
import type { Warp } from './warp.ts';

export interface DrawSettings {
  prompt: Int32Array;
  /** Of the prompt, how many tokens at its end are the answer so far. */
  resumed: number;
  seed: [number, number];
  warp: Warp;
  /** The repetition penalty; 1 for none. */
  repetition: number;
  /** Null for none. */
  penalties: { frequency: number; presence: number } | null;
  /** What is added to the logits of tokens, each named once. */
  bias: readonly (readonly [id: number, bias: number])[];
  /** η of the knowledge transfer; 0 for none. */
  transfer: number;
  accept: AcceptChoice;
  /** What the answer is held to; null for anything. */
  grammar: Grammar | null;
}
