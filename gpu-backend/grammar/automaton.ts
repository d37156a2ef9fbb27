/**
 * Runs a program over bytes: a pushdown automaton, made deterministic as it is
 * used. A state is the set of all places where the text so far may be, each
 * with the stack of what it must return to. Stacks share their frames and states
 * are kept by what they hold, so a state is a value: a branch of a draft tree is
 * one step from its parent's state and nothing has to be taken back.
 */
import { MAX_DEPTH, type Node, type Program } from './program.ts';

/**
 * Places of a state. An ambiguous schema (alternatives that begin alike, again
 * and again) keeps this many of its readings, the first ones: what it still
 * allows is valid, and every place has a way to the end.
 */
export const MAX_PLACES = 1024;
/**
 * Strings of a state, of which it keeps the first ones too. What begins alike
 * parts with the next few bytes, but alternatives that all begin with a string of
 * any text stay together to its end, and every token of text is tried in each.
 */
export const MAX_STRINGS = 32;

const QUOTE = 0x22;

/** A place to continue at: a node, how often its loop went round, and what is below. */
interface Frame {
  readonly id: number;
  readonly node: number;
  readonly count: number;
  readonly below: Frame | null;
  /** Calls on the way here. */
  readonly depth: number;
  readonly above: Map<number, Frame>;
}

export class State {
  /** Frames at nodes that take a byte. */
  readonly places: readonly Frame[];
  /** Whether the text may end here. */
  readonly accepting: boolean;
  /** How many more characters the string it is in may have; -1 outside of strings. */
  readonly text: number;
  /** Whether what continues here without a quote can only be that string. */
  readonly textOnly: boolean;
  /** By class of byte; null where no text continues so, undefined where nobody went yet. */
  readonly row: (State | null | undefined)[];
  /** What a vocabulary may say here, once asked for. */
  mask: Uint32Array | null = null;

  constructor(
    places: readonly Frame[],
    accepting: boolean,
    text: number,
    textOnly: boolean,
    classes: number,
  ) {
    this.places = places;
    this.accepting = accepting;
    this.text = text;
    this.textOnly = textOnly;
    this.row = new Array(classes);
  }

  /** Whether the text ends here and can't continue. */
  get finished(): boolean {
    return this.accepting && this.places.length === 0;
  }
}

export class Automaton {
  readonly program: Program;
  /** Where every text begins. */
  start: State;
  /** Frames that were made since the last `forget`. */
  frames = 0;
  private nextId = 0;
  private bottom = new Map<number, Frame>();
  private known = new Map<string, State>();

  constructor(program: Program) {
    this.program = program;
    this.start = this.begin();
  }

  /** States that were made since the last `forget`. */
  get states(): number {
    return this.known.size;
  }

  /** Lets go of all states and frames. Who holds a state continues with it. */
  forget(): void {
    this.known = new Map();
    this.bottom = new Map();
    this.frames = 0;
    this.start = this.begin();
  }

  /** Where `byte` leads from `state`; null where it is not allowed. O(1) once known. */
  step(state: State, byte: number): State | null {
    const at = this.program.classOf[byte]!;
    const known = state.row[at];
    if (known !== undefined) return known;
    const { program } = this;
    const closure = new Closure(this, program);
    for (const { node, below } of state.places) {
      const place = program.nodes[node] as Extract<Node, { op: 'byte' }>;
      if (program.has(place.set, byte)) closure.enter(place.next, 0, below);
    }
    const next = this.intern(closure);
    state.row[at] = next;
    return next;
  }

  frame(node: number, count: number, below: Frame | null, calls: number): Frame {
    const siblings = below ? below.above : this.bottom;
    const key = node * 2 ** 32 + count;
    let frame = siblings.get(key);
    if (!frame) {
      const depth = (below ? below.depth : 0) + calls;
      this.frames++;
      frame = { id: this.nextId++, node, count, below, depth, above: new Map() };
      siblings.set(key, frame);
    }
    return frame;
  }

  private begin(): State {
    const closure = new Closure(this, this.program);
    closure.enter(this.program.start, 0, null);
    return this.intern(closure)!;
  }

  /** Whether a place takes a character of a string that it may leave by a quote, or that quote. */
  private staysInText({ node, below }: Frame): boolean {
    const { nodes } = this.program;
    const around = below && nodes[below.node]!;
    return (around?.op === 'loop' && around.text) || this.program.only([node]) === QUOTE;
  }

  private intern({ places, accepting, full, text: left }: Closure): State | null {
    if (places.size === 0 && !accepting) return null;
    // Of a full state nobody knows whether all of its string's characters are in it.
    const text = full ? -1 : left;
    // In order, which decides what a full state keeps: it must follow from the text alone.
    const key = `${accepting} ${text} ${Array.from(places, ({ id }) => id).join(' ')}`;
    let state = this.known.get(key);
    if (!state) {
      const textOnly = text >= 0 && [...places].every((place) => this.staysInText(place));
      state = new State([...places], accepting, text, textOnly, this.program.classes);
      this.known.set(key, state);
    }
    return state;
  }
}

/** All places that can be reached without a byte. */
class Closure {
  readonly places = new Set<Frame>();
  accepting = false;
  text = -1;
  /** Whether places were left out, of whatever they are in. */
  full = false;
  /** That continue with another character here. */
  private strings = 0;
  private readonly automaton: Automaton;
  private readonly program: Program;
  private readonly seen = new Set<Frame>();

  constructor(automaton: Automaton, program: Program) {
    this.automaton = automaton;
    this.program = program;
  }

  /** With a stack of its own: alternatives nest as deep as a schema has optional properties. */
  enter(node: number, count: number, below: Frame | null): void {
    const { automaton, program, seen } = this;
    const waiting = [automaton.frame(node, count, below, 0)];
    const push = (id: number, round: number, under: Frame | null) => {
      waiting.push(automaton.frame(id, round, under, 0));
    };
    for (let frame = waiting.pop(); frame; frame = waiting.pop()) {
      if (seen.has(frame)) continue;
      seen.add(frame);
      this.full ||= this.places.size === MAX_PLACES;
      if (this.full) return;
      const at = program.nodes[frame.node]!;
      // What could not end any more within the depth is not begun.
      if (frame.depth + program.height[frame.node]! > MAX_DEPTH) continue;
      switch (at.op) {
        case 'byte':
          this.places.add(frame);
          break;
        case 'split':
          for (let i = at.to.length - 1; i >= 0; i--) push(at.to[i]!, 0, frame.below);
          break;
        case 'call':
          // A call with nothing after it needs no frame to return to: a rule may go round in it for ever.
          if (program.nodes[at.next]!.op === 'return') push(at.to, 0, frame.below);
          else push(at.to, 0, automaton.frame(at.next, 0, frame.below, 1));
          break;
        case 'loop': {
          const { least, most, text } = at;
          if (text && frame.count < most && ++this.strings > MAX_STRINGS) break;
          if (frame.count >= least) push(at.next, 0, frame.below);
          if (frame.count >= most) break;
          if (text) this.text = Math.max(this.text, most - frame.count);
          // Without an end, rounds beyond the least number are all alike.
          const round = Math.min(frame.count + 1, most === Infinity ? least : most);
          push(at.body, 0, automaton.frame(frame.node, round, frame.below, 0));
          break;
        }
        case 'return':
          if (frame.below) push(frame.below.node, frame.below.count, frame.below.below);
          else this.accepting = true;
      }
    }
  }
}
