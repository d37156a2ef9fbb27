/** The items in their order, in groups whose sizes sum up to at most `most`; a larger item is alone. */
export function* groupsWithin<Item>(
  items: Iterable<Item>,
  sizeOf: (item: Item) => number,
  most: number,
): Generator<Item[]> {
  let group: Item[] = [];
  let total = 0;
  for (const item of items) {
    const size = sizeOf(item);
    if (group.length > 0 && total + size > most) {
      yield group;
      group = [];
      total = 0;
    }
    group.push(item);
    total += size;
  }
  if (group.length > 0) yield group;
}
