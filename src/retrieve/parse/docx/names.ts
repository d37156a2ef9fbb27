/** Names of WordprocessingML without their prefix, which a document may choose. */

export function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/** An attribute by its local name. */
export function attribute(
  attributes: ReadonlyMap<string, string>,
  local: string,
): string | undefined {
  for (const [name, value] of attributes) if (localName(name) === local) return value;
  return undefined;
}
