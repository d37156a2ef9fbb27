/**
 * What turns leave of the target's states to others of their namespace that begin alike.
 * What the engine finds in its cache it does not compute, so of that it gives no states: without
 * this, a chat's second turn or the second choice of a request has none of its prompt.
 */
import { Lru } from '../../src/draft/lru.ts';
import type { SeatedTurn } from './local-drafters.ts';
import { TargetStates } from './target-states.ts';

/** Turns of a namespace that are remembered, the last to begin; of hidden states of 4,096 numbers some 2 MB each. */
const TURNS = 4;
/** Namespaces whose turns are remembered; the one used longest ago is forgotten first. */
const MAX_NAMESPACES = 16;

export class StateMemory {
  private readonly namespaces = new Lru<TargetStates[]>(MAX_NAMESPACES);

  /**
   * The states of a turn, which others may take over, now and when it is over. Without
   * `remember` it neither takes any nor leaves any.
   */
  open({ namespace, remember }: Pick<SeatedTurn, 'namespace' | 'remember'>, text: Int32Array) {
    if (!remember) return new TargetStates(text, []);
    const turns = this.namespaces.of(namespace, () => []);
    const states = new TargetStates(text, turns);
    turns.push(states);
    if (turns.length > TURNS) turns.shift();
    return states;
  }
}
