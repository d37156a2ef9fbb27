/** What the events of a stream carry, `[DONE]` included. */
export async function* eventData({ body }: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body!) {
    rest += decoder.decode(bytes, { stream: true });
    const events = rest.split('\n\n');
    rest = events.pop()!;
    for (const event of events) yield event.replace(/^data: /, '');
  }
}
