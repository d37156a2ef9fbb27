/** Tokens in runs, by the position at which an automaton over them counts; five bytes each and the slack of growing. */
import type { Source } from '../source.ts';

const FIRST_OF_RUN = 0x80;
const GROWTH = 1.25;
const INITIAL = 1024;

export class RunText {
  length = 0;
  private tokens = new Int32Array(INITIAL);
  /** Source of each token, and whether a run begins with it. */
  private marks = new Uint8Array(INITIAL);
  private begins = FIRST_OF_RUN;

  clear(): void {
    this.length = 0;
    this.endRun();
  }

  /** What comes next does not continue what is there. */
  endRun(): void {
    this.begins = FIRST_OF_RUN;
  }

  push(token: number, source: Source): void {
    const at = this.length++;
    if (at === this.tokens.length) {
      const { tokens, marks } = this;
      this.tokens = new Int32Array(Math.ceil(GROWTH * at));
      this.tokens.set(tokens);
      this.marks = new Uint8Array(this.tokens.length);
      this.marks.set(marks);
    }
    this.tokens[at] = token;
    this.marks[at] = source | this.begins;
    this.begins = 0;
  }

  token(position: number): number {
    return this.tokens[position]!;
  }

  source(position: number): Source {
    return (this.marks[position]! & ~FIRST_OF_RUN) as Source;
  }

  /** The position that continues `position` within its run, or -1. */
  after(position: number): number {
    const next = position + 1;
    return next < this.length && (this.marks[next]! & FIRST_OF_RUN) === 0 ? next : -1;
  }

  /** Throws unless what is there can be read, from the beginning of a run on. For tests. */
  checkIntegrity(): void {
    if (this.length > this.tokens.length || this.tokens.length !== this.marks.length) {
      throw new Error(`${this.length} tokens in ${this.tokens.length}, ${this.marks.length} marks`);
    }
    if (this.length > 0 && (this.marks[0]! & FIRST_OF_RUN) === 0) {
      throw new Error('the first token begins no run');
    }
  }

  get bytes(): number {
    return this.tokens.byteLength + this.marks.byteLength;
  }
}
