/** The call in a text of JSON that is there whole, in whatever order its parts come. */
export function wholeCall(body: string): { name: string; text: string } | null {
  try {
    const call = JSON.parse(body) as { name?: unknown; arguments?: unknown; parameters?: unknown };
    const value = call.arguments ?? call.parameters ?? {};
    if (typeof call.name !== 'string') return null;
    return { name: call.name, text: typeof value === 'string' ? value : JSON.stringify(value) };
  } catch {
    return null;
  }
}
