/**
 * What turns leave of the target's states to others that begin alike. What the engine
 * finds in its cache it does not compute, so of that it gives no states: without this, a
 * chat's second turn or the second choice of a request has none of its prompt.
 */
import { TargetStates } from './target-states.ts';

/** Turns that are remembered, the last to begin; of hidden states of 4,096 numbers some 2 MB each. */
const MAX_TURNS = 32;

export class StateMemory {
  private readonly turns: TargetStates[] = [];

  /** The states of a turn, which others of its namespace may take over, now and when it is over. */
  open(namespace: string, text: Int32Array): TargetStates {
    const states = new TargetStates(namespace, text, this.turns);
    this.turns.push(states);
    if (this.turns.length > MAX_TURNS) this.turns.shift();
    return states;
  }
}
