/** The file is no GGUF, or not whole, or claims what cannot be. The message completes "<file> …". */
export class GgufError extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'GgufError';
  }
}
