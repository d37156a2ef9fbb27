/** The checkpoint needs something that the graph builder does not make. */
export class UnsupportedModelError extends Error {
  constructor(what: string, supported: string) {
    super(`${what} is not supported; supported: ${supported}`);
    this.name = 'UnsupportedModelError';
  }
}
