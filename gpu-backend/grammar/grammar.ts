/**
 * A grammar over a model's tokens: where a text is in it, which tokens may
 * follow, and what must. Places are values, so that a branch of a draft tree
 * costs a step and no copy; what they found out is kept with the grammar and
 * shared by all turns that use it.
 */
import { Automaton, type State } from './automaton.ts';
import { maskOf } from './mask.ts';
import type { Program } from './program.ts';
import type { GrammarPath } from './refused.ts';
import type { Vocabulary } from './vocabulary.ts';

export type { State } from './automaton.ts';

/** What a grammar keeps before it begins anew: a turn rarely comes back to what an hour of others has left. */
export const MAX_GRAMMAR_BYTES = 16 << 20;
/** Bytes of text that are looked ahead for what must follow. */
const MAX_FORCED_BYTES = 256;

/** Of a frame and its entry in a map, of a node, as measured. */
const FRAME_BYTES = 200;
const NODE_BYTES = 120;

export class Grammar {
  private readonly automaton: Automaton;
  private readonly vocabulary: Vocabulary;
  private readonly stops: readonly number[];
  /** Places of keywords in its setting that it does not hold. */
  readonly unenforced: readonly GrammarPath[];
  private masks = 0;

  /** `stops`: the tokens that end an answer. */
  constructor(
    program: Program,
    vocabulary: Vocabulary,
    stops: ReadonlySet<number>,
    unenforced: readonly GrammarPath[] = [],
  ) {
    this.unenforced = unenforced;
    this.automaton = new Automaton(program);
    this.vocabulary = vocabulary;
    this.stops = [...stops];
  }

  get start(): State {
    return this.automaton.start;
  }

  /** An estimate of what is kept. */
  get bytes(): number {
    const { states, frames, program } = this.automaton;
    return (
      program.nodes.length * NODE_BYTES +
      states * (FRAME_BYTES + 8 * program.classes) +
      frames * FRAME_BYTES +
      this.masks * (this.vocabulary.size >>> 3)
    );
  }

  /** Where `token` leads from `state`: null where it is not allowed, and after a token that ends the text. */
  advance(state: State, token: number): State | null {
    if (this.stops.includes(token)) return null;
    const text = this.vocabulary.texts[token];
    if (!text) return null;
    let at: State | null = state;
    for (let i = 0; at && i < text.length; i++) {
      at = this.automaton.step(at, text.charCodeAt(i));
    }
    return at;
  }

  /** A bit for each token that may follow. */
  mask(state: State): Uint32Array {
    if (!state.mask) {
      if (this.bytes > MAX_GRAMMAR_BYTES) {
        this.automaton.forget();
        this.masks = 0;
      }
      this.masks++;
    }
    return maskOf(this.automaton, state, this.vocabulary, this.stops);
  }

  /** Whether `token` may follow. */
  allows(state: State, token: number): boolean {
    return this.stops.includes(token) ? state.accepting : this.advance(state, token) !== null;
  }

  /**
   * The text that must follow, as the longest tokens it has: how the target is
   * likeliest to say what it has no choice about.
   */
  forced(state: State): number[] {
    const text = this.forcedText(state);
    const tokens: number[] = [];
    for (let from = 0; from < text.length; ) {
      const token = this.vocabulary.longest(text, from);
      if (token < 0) break;
      tokens.push(token);
      from += this.vocabulary.texts[token]!.length;
    }
    return tokens;
  }

  private forcedText(state: State): string {
    const { program } = this.automaton;
    let text = '';
    let at = state;
    while (text.length < MAX_FORCED_BYTES && !at.accepting) {
      const byte = program.only(at.places.map(({ node }) => node));
      if (byte < 0) break;
      text += String.fromCharCode(byte);
      at = this.automaton.step(at, byte)!;
    }
    return text;
  }
}
