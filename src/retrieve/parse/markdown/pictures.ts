/** Pictures that are written into a page as `data:` addresses: no words, and often most of its bytes. */

/** Shorter ones are examples in a text about them. */
const DATA = new RegExp(
  [
    'data:[a-z]{1,16}/[\\w.+-]{1,64}(?:;[\\w=.-]{1,64}){0,4};base64,[A-Za-z0-9+/_=-]{200,}',
    'data:image/svg\\+xml[^\\s"\'()<>]{200,}',
  ].join('|'),
  'gi',
);

export function withoutPictures(source: string): { source: string; pictures: number } {
  let pictures = 0;
  const rest = source.replace(DATA, () => {
    pictures++;
    return 'data:,';
  });
  return { source: rest, pictures };
}
