/** JSON that keeps typed arrays apart from lists, and numbers in them that JSON has no word for. */
const KINDS = { Int32Array, Uint32Array, Float32Array };
type Kind = keyof typeof KINDS;

export function toText(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    for (const kind of Object.keys(KINDS) as Kind[]) {
      if (part instanceof KINDS[kind]) return { $kind: kind, values: Array.from(part, String) };
    }
    return part;
  });
}

export function fromText(text: string): unknown {
  return JSON.parse(text, (_, part: { $kind?: Kind; values: string[] } | null) =>
    part?.$kind ? KINDS[part.$kind].from(part.values.map(Number)) : part,
  );
}
