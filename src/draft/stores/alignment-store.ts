/**
 * Where in a text the answer is, though the last tokens say otherwise. An answer
 * that quotes or rewords replaces a word, leaves one out, puts one in; contexts
 * that end with the changed word match nothing then, while the text continues just
 * behind it. So a few alignments are kept for some tokens after the match that
 * made them has ended, each as a position, the tokens since, and how long the
 * match was. Every new match takes the first place; the older ones move down.
 *
 * Each alignment is a context of three followers, distinguished by their counts: the
 * next token of the text, the one after it, and the one that was due last. What
 * they are worth, the mixer learns by how far and how well aligned they are.
 * Following a token is O(1).
 */

import { type Evidence, type EvidenceStore, MAX_CONTEXTS } from '../blend/evidence.ts';
import { MAX_TREE_NODES } from '../tree/tree.ts';
import type { AutomatonStore } from './automaton-store.ts';

/** Tokens since a match after which its alignment is given up. */
const MAX_STRAY = 8;

/** Counts that stand for the step from the aligned token to the proposed one. */
const NEXT = 3;
const SKIP = 2;
const STAY = 1;
/** Totals that stand for the length of the match: below 5 tokens, below 10, more. */
const SHORT = 7;
const MEDIUM = 20;
const LONG = 70;
/** Orders say how far astray: 5 for one token down to 1, above it none. */
const STRAIGHT_ORDER = 6;

const NOWHERE = -1;
const PLACES = MAX_CONTEXTS;

export class AlignmentStore implements EvidenceStore {
  private readonly matched: AutomatonStore;
  /** By slot and place: the aligned position, `NOWHERE` after the last alignment. */
  private readonly at = places().fill(NOWHERE);
  /** Tokens since the match. */
  private readonly stray = places();
  /** Length of the match. */
  private readonly strength = places();
  private readonly next = new Int32Array(3 * PLACES);

  /** A drafter has to move `matched` first: it precedes this in its list of stores. */
  constructor(matched: AutomatonStore) {
    this.matched = matched;
  }

  begin(): void {
    this.at.fill(NOWHERE, 0, PLACES);
  }

  advance(token: number): void {
    const { lastMatchEnd, lastMatchLength } = this.matched;
    this.move(0, token, 0, lastMatchEnd, lastMatchLength);
  }

  follow(from: number, token: number, slot: number): void {
    this.move(from, token, slot, this.matched.matchEnd(slot), this.matched.matchLength(slot));
  }

  gather(slot: number, evidence: Evidence, store: number): void {
    const { at, stray, strength } = this;
    const { text } = this.matched;
    const end = (slot + 1) * PLACES;
    for (let place = slot * PLACES; place < end && at[place] !== NOWHERE; place++) {
      const position = at[place]!;
      const next = text.after(position);
      if (next < 0 && stray[place] === 0) continue;
      const length = strength[place]!;
      const total = length < 5 ? SHORT : length < 10 ? MEDIUM : LONG;
      const row = evidence.open(store, orderOf(stray[place]!, length), 0, total, 3);
      evidence.apart[row] = 1;
      if (next >= 0) evidence.follower(text.token(next), NEXT, text.source(next));
      const skipped = next < 0 ? next : text.after(next);
      if (skipped >= 0) evidence.follower(text.token(skipped), SKIP, text.source(skipped));
      if (stray[place]! > 0) evidence.follower(text.token(position), STAY, text.source(position));
    }
  }

  /** Throws unless each slot's alignments come first, are distinct, in the text and not too far astray. */
  checkIntegrity(): void {
    const { at, stray, strength } = this;
    for (let slot = 0; slot <= MAX_TREE_NODES; slot++) {
      const first = slot * PLACES;
      const positions = at.subarray(first, first + PLACES);
      const kept = positions.indexOf(NOWHERE) < 0 ? PLACES : positions.indexOf(NOWHERE);
      if (positions.subarray(kept).some((position) => position !== NOWHERE)) {
        throw new Error(`slot ${slot} has an alignment behind its last`);
      }
      if (new Set(positions.subarray(0, kept)).size !== kept) {
        throw new Error(`slot ${slot} is aligned twice with one place`);
      }
      for (let place = first; place < first + kept; place++) {
        const inside = at[place]! >= 0 && at[place]! < this.matched.text.length;
        const straight = stray[place]! >= 0 && stray[place]! <= MAX_STRAY;
        if (inside && straight && strength[place]! > 0) continue;
        throw new Error(`alignment ${place} is at ${at[place]}, ${stray[place]} astray`);
      }
    }
  }

  /** `slot` may be `from`: the new places are put together aside. */
  private move(from: number, token: number, slot: number, end: number, length: number): void {
    const { at, stray, strength, next } = this;
    const { text } = this.matched;
    let count = 0;
    if (length > 0) count = this.put(0, end, 0, length);
    for (let place = from * PLACES; place < (from + 1) * PLACES && count < PLACES; place++) {
      const position = at[place]!;
      if (position === NOWHERE) break;
      let astray = stray[place]!;
      let to = text.after(position);
      if (to < 0) continue;
      if (text.token(to) !== token) {
        const skipped = text.after(to);
        if (astray > 0 && text.token(position) === token) to = position;
        else if (skipped >= 0 && text.token(skipped) === token) {
          to = skipped;
          astray = Math.max(1, astray);
        } else astray++;
      }
      if (astray <= MAX_STRAY) count = this.put(count, to, astray, strength[place]!);
    }
    for (let i = 0; i < PLACES; i++) {
      const place = slot * PLACES + i;
      at[place] = i < count ? next[3 * i]! : NOWHERE;
      stray[place] = next[3 * i + 1]!;
      strength[place] = next[3 * i + 2]!;
    }
  }

  /** Adds an alignment, unless there is one at that position; returns how many there are. */
  private put(count: number, position: number, stray: number, strength: number): number {
    const { next } = this;
    for (let i = 0; i < count; i++) if (next[3 * i] === position) return count;
    next[3 * count] = position;
    next[3 * count + 1] = stray;
    next[3 * count + 2] = strength;
    return count + 1;
  }
}

function places(): Int32Array<ArrayBuffer> {
  return new Int32Array(PLACES * (MAX_TREE_NODES + 1));
}

function orderOf(stray: number, strength: number): number {
  if (stray > 0) return Math.max(1, STRAIGHT_ORDER - stray);
  return STRAIGHT_ORDER + Math.max(0, strength - 5);
}
