/** Why there is no such grammar: what of it is not supported, and where, or what it asks too much of. */
export class GrammarRefused extends Error {
  override name = 'GrammarRefused';
}
