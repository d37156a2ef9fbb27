/**
 * Finds edges by (state, token): open addressing over pairs (state, edge), with
 * the token read from the edge itself. Holds only the edges beyond the few that
 * a state keeps in its list, so it is small.
 */
const EMPTY = -1;
const INITIAL_SLOTS = 1024;
const MAX_LOAD = 0.75;

function hash(state: number, token: number): number {
  const h = Math.imul(state, 0x9e3779b1) ^ Math.imul(token + 1, 0x85ebca6b);
  return h ^ (h >>> 15);
}

export class EdgeIndex {
  private slots = new Int32Array(2 * INITIAL_SLOTS).fill(EMPTY);
  private mask = INITIAL_SLOTS - 1;
  private used = 0;

  get bytes(): number {
    return this.slots.byteLength;
  }

  clear(): void {
    this.slots.fill(EMPTY);
    this.used = 0;
  }

  /** The edge of `state` that carries `token`, or -1. */
  find(state: number, token: number, edgeToken: Int32Array): number {
    const slots = this.slots;
    for (let slot = hash(state, token) & this.mask; ; slot = (slot + 1) & this.mask) {
      const owner = slots[2 * slot]!;
      if (owner === EMPTY) return EMPTY;
      const edge = slots[2 * slot + 1]!;
      if (owner === state && edgeToken[edge] === token) return edge;
    }
  }

  insert(state: number, edge: number, edgeToken: Int32Array): void {
    if (this.used >= (this.mask + 1) * MAX_LOAD) this.rehash(edgeToken);
    this.used++;
    this.place(state, edge, edgeToken[edge]!);
  }

  /** Throws unless every edge is counted and found by its token. For tests; O(slots). */
  checkIntegrity(edgeToken: Int32Array): void {
    let used = 0;
    for (let i = 0; i < this.slots.length; i += 2) {
      const state = this.slots[i]!;
      if (state === EMPTY) continue;
      used++;
      const edge = this.slots[i + 1]!;
      if (this.find(state, edgeToken[edge]!, edgeToken) !== edge) {
        throw new Error(`edge ${edge} of state ${state} is hidden by another`);
      }
    }
    if (used !== this.used) throw new Error(`${used} edges are there, not ${this.used}`);
    if (used > (this.mask + 1) * MAX_LOAD)
      throw new Error(`${used} edges in ${this.mask + 1} slots`);
  }

  private place(state: number, edge: number, token: number): void {
    let slot = hash(state, token) & this.mask;
    while (this.slots[2 * slot] !== EMPTY) slot = (slot + 1) & this.mask;
    this.slots[2 * slot] = state;
    this.slots[2 * slot + 1] = edge;
  }

  private rehash(edgeToken: Int32Array): void {
    const old = this.slots;
    this.slots = new Int32Array(2 * old.length).fill(EMPTY);
    this.mask = old.length - 1;
    for (let i = 0; i < old.length; i += 2) {
      const state = old[i]!;
      if (state !== EMPTY) this.place(state, old[i + 1]!, edgeToken[old[i + 1]!]!);
    }
  }
}
