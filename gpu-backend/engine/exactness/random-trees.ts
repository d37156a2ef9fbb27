/** Trees as a drafter might send them, and contexts at which a kernel might change its ways. */
import { PANEL_ROWS, panelRoom } from '../panel.ts';
import type { RandomInteger } from './random.ts';

/** What kernels cut their work by: vector widths, tiles, panels. */
const TILES = [64, 128, 256] as const;

/** `count` lengths from 1 to `most`, ascending: half of them anywhere, half at tiles and beside them. */
export function randomContexts(count: number, most: number, random: RandomInteger): number[] {
  const contexts = Array.from({ length: count }, (_, i) => {
    if (i % 2 === 0) return random(1, most);
    const beforeEdge = i % 8 === 1 && most > PANEL_ROWS;
    const tile = beforeEdge ? PANEL_ROWS : TILES[random(0, TILES.length - 1)]!;
    const multiple = tile * random(1, Math.max(1, Math.floor(most / tile)));
    return beforeEdge ? multiple - random(1, 32) : multiple + random(-2, 2);
  });
  return contexts.map((context) => Math.max(1, Math.min(most, context))).sort((a, b) => a - b);
}

/** Nodes of a tree, 2 to `most`, the smaller ones more often: they are the usual ones. */
export function randomSize(most: number, random: RandomInteger): number {
  const share = random(0, 1000) / 1000;
  return 2 + Math.floor((most - 2) * share ** 3);
}

/** Parents of `count` rows: chains, stars, and everything between. */
export function randomParents(count: number, random: RandomInteger): number[] {
  const kind = random(0, 5);
  const parentOf = (row: number): number => {
    if (kind === 0) return row - 1;
    if (kind === 1) return random(-1, 0);
    return random(0, 4) === 0 ? random(-1, row - 1) : row - 1 - random(0, kind);
  };
  return Array.from({ length: count }, (_, row) => Math.max(-1, Math.min(row - 1, parentOf(row))));
}

/** Makes of `parents` what an exact engine takes after `length` tokens: a chain to the panel's end. */
export function withinPanels(parents: readonly number[], length: number): number[] {
  const room = panelRoom(length);
  if (parents.length <= room) return [...parents];
  return parents.map((parent, row) => (row < room ? row - 1 : Math.max(parent, room - 1)));
}
