/**
 * Exact attention adds up the cache in panels of 1,024 rows, each from zero. A
 * row of a tree must therefore find each of its ancestors in the panel that it
 * would lie in were its path all that is fed: then its result is the same bits.
 * Within a panel anything goes; a tree that crosses into the next has to reach
 * the end of its first as a chain.
 */

/** MLAS's panel for products of 16 columns: 16 KB of floats, whatever the machine. */
export const PANEL_ROWS = 1024;

/** Rows that fit into the panel that the cache's next row lies in. */
export function panelRoom(length: number): number {
  return PANEL_ROWS - (length % PANEL_ROWS);
}

/**
 * The first row of a tree whose bits would depend on what else is in the tree,
 * or -1. `parents` are those of `StepRow`; the tree follows `length` tokens. O(count).
 */
export function firstAcrossPanel(
  parents: ArrayLike<number>,
  count: number,
  length: number,
): number {
  const room = panelRoom(length);
  if (count <= room) return -1;
  for (let row = 0; row < room; row++) if (parents[row] !== row - 1) return row;
  // Later panels begin where rows do not: a step has fewer rows than a panel.
  for (let row = room; row < count; row++) if (parents[row]! < room - 1) return row;
  return -1;
}
