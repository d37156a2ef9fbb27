/**
 * What a model thinks before it answers, told apart from what it says as it streams:
 * `<think>…</think>` at the beginning of an answer, whose opening mark the chat
 * template may have written already.
 */
import type { Piece, Step } from './text-stream.ts';
import type { TokenLogprobs } from './token-logprobs.ts';

export const OPEN = '<think>';
export const CLOSE = '</think>';

/** Which text is read next: what may begin with the opening mark, the space behind it, thoughts, the space behind the closing mark, the answer. */
type State = 'start' | 'space-before-thoughts' | 'thoughts' | 'space-before-answer' | 'answer';

export class Reasoning {
  /** Of the answer, those up to the end of the thoughts. */
  tokens = 0;
  private state: State;
  /** Text that may be a mark, or space at an end. */
  private held: Piece[] = [];
  /** Whose text is not out yet, or is a thought's. */
  private logprobs: TokenLogprobs[] = [];
  /** Code units that came before what is said. */
  private before = 0;

  /** @param isOpen whether the prompt ends with the opening mark */
  constructor(isOpen: boolean) {
    this.state = isOpen ? 'space-before-thoughts' : 'start';
  }

  /** The step with its thoughts apart. O(length of what is held). */
  split(step: Step): Step {
    if (this.state === 'answer') return step;
    this.held.push(...step.pieces);
    this.logprobs.push(...step.logprobs);
    const thoughts: Piece[] = [];
    while (this.take(thoughts));
    return { ...step, ...this.out(), thoughts };
  }

  /** What was held when the answer ended. */
  end(): Step | null {
    const thoughts = this.state === 'thoughts' ? this.cut(this.heldText().trimEnd().length) : [];
    this.tokens += tokensOf(thoughts);
    this.go('answer', this.state === 'start' ? 0 : this.heldText().length);
    const { pieces, logprobs } = this.out();
    if (thoughts.length + pieces.length + logprobs.length === 0) return null;
    return { pieces, thoughts, logprobs, tokens: 0, drafted: 0, micros: 0 };
  }

  /** What can go out as said, once it is known where that begins. */
  private out(): Pick<Step, 'pieces' | 'logprobs'> {
    if (this.state !== 'answer') return { pieces: [], logprobs: [] };
    const pieces = this.held;
    const logprobs = this.logprobs.filter(({ start }) => start >= this.before);
    this.held = [];
    this.logprobs = [];
    return { pieces, logprobs };
  }

  /** Takes the next thing from what is held; false when that needs more text. */
  private take(thoughts: Piece[]): boolean {
    const text = this.heldText();
    switch (this.state) {
      case 'start': {
        const begun = text.trimStart();
        if (begun.startsWith(OPEN))
          return this.go('space-before-thoughts', text.indexOf(OPEN) + OPEN.length);
        if (OPEN.startsWith(begun)) return false;
        return this.go('answer', 0);
      }
      case 'space-before-thoughts':
        return this.skipSpace(text, 'thoughts');
      case 'thoughts':
        return this.takeThoughts(thoughts);
      case 'space-before-answer':
        return this.skipSpace(text, 'answer');
      case 'answer':
        return false;
    }
  }

  private takeThoughts(thoughts: Piece[]): boolean {
    const text = this.heldText();
    const at = text.indexOf(CLOSE);
    const end = (at < 0 ? text.slice(0, text.length - openEnd(text)) : text.slice(0, at)).trimEnd();
    const pieces = this.cut(end.length);
    this.tokens += tokensOf(pieces);
    thoughts.push(...pieces);
    return at >= 0 && this.go('space-before-answer', at + CLOSE.length - end.length);
  }

  private skipSpace(text: string, next: State): boolean {
    const space = /^\s*/.exec(text)![0].length;
    return space < text.length && this.go(next, space);
  }

  private go(state: State, length: number): true {
    this.tokens += tokensOf(this.cut(length));
    this.state = state;
    return true;
  }

  private heldText(): string {
    return this.held.map(({ text }) => text).join('');
  }

  /** The first `length` code units of what is held. A piece that is cut counts where it ends. */
  private cut(length: number): Piece[] {
    const taken: Piece[] = [];
    this.before += length;
    for (let left = length; left > 0; ) {
      const [first] = this.held as [Piece];
      if (first.text.length <= left) {
        taken.push(first);
        this.held.shift();
        left -= first.text.length;
      } else {
        taken.push({ ...first, text: first.text.slice(0, left), tokens: 0 });
        this.held[0] = { ...first, text: first.text.slice(left) };
        left = 0;
      }
    }
    return taken;
  }
}

function tokensOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { tokens }) => sum + tokens, 0);
}

/** Length of the longest end of `text` that begins the closing mark. */
function openEnd(text: string): number {
  for (let n = Math.min(text.length, CLOSE.length - 1); n > 0; n--) {
    if (text.endsWith(CLOSE.slice(0, n))) return n;
  }
  return 0;
}
