/** Names and indices from the grammar setting down; empty where all of it is meant. */
export type GrammarPath = readonly (string | number)[];

/** Why there is no such grammar: what of it is not supported, and where, or what it asks too much of. */
export class GrammarRefused extends Error {
  override name = 'GrammarRefused';
  readonly path: GrammarPath;
  constructor(message: string, path: GrammarPath = []) {
    super(message);
    this.path = path;
  }
}
