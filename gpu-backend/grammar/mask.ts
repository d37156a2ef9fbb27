/**
 * The tokens that may follow in a state of a grammar, a bit each: a walk over the
 * vocabulary's trie with a state at every depth, which leaves out what is below a
 * byte that is not allowed. O(nodes visited). Inside a JSON string nearly all
 * tokens are allowed; those that are plain text are counted, not walked.
 */
import type { Automaton, State } from './automaton.ts';
import { PLAIN_CHARACTERS, type Trie, type Vocabulary } from './vocabulary.ts';

/** Bits of `state`, kept with it. `stops` are the tokens that end a text. */
export function maskOf(
  automaton: Automaton,
  state: State,
  vocabulary: Vocabulary,
  stops: readonly number[],
): Uint32Array {
  if (state.mask) return state.mask;
  const room = Math.min(state.text, PLAIN_CHARACTERS);
  // Nothing else can take a plain token that is too long for the string.
  const known = room === PLAIN_CHARACTERS || state.textOnly;
  const bits = vocabulary.plain[known ? room : 0]!.slice();
  walk(automaton, state, known ? vocabulary.others : vocabulary.trie, bits);
  for (const id of stops) {
    if (state.accepting) bits[id >>> 5]! |= 1 << (id & 31);
    else bits[id >>> 5]! &= ~(1 << (id & 31));
  }
  state.mask = bits;
  return bits;
}

function walk(automaton: Automaton, start: State, trie: Trie, bits: Uint32Array): void {
  const { bytes, depths, tokens, skip, size, height } = trie;
  const states: State[] = new Array(height + 1);
  states[0] = start;
  for (let node = 0; node < size; ) {
    const depth = depths[node]!;
    const next = automaton.step(states[depth]!, bytes[node]!);
    if (!next) {
      node = skip[node]!;
      continue;
    }
    const token = tokens[node]!;
    if (token >= 0) bits[token >>> 5]! |= 1 << (token & 31);
    states[depth + 1] = next;
    node++;
  }
}
