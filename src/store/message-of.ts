/** What an error says. Anything can be thrown, and a rejection by the runtime need not be an Error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
