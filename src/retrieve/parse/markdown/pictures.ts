/** Pictures that are written into a page as `data:` addresses: no words, and often most of its bytes. */
import { Slices } from '../slices.ts';

/** How one begins; shorter ones are examples in a text about them. Group 1 matches for SVG. */
const DATA = [
  'data:[a-z]{1,16}/[\\w.+-]{1,64}(?:;[\\w=.-]{1,64}){0,4};base64,[A-Za-z0-9+/_=-]{200}',
  '(data:image/svg\\+xml)[^\\s"\'()<>]{200}',
].join('|');
/** Looked for by itself: a pattern that takes in megabytes runs out of stack. */
const END = /[^A-Za-z0-9+/_=-]/g;
const SVG_END = /[\s"'()<>]/g;

/** In slices: the source without them, and how many there were. */
export function* withoutPictures(
  source: string,
): Generator<void, { source: string; pictures: number }> {
  // Of this call alone: others are made while it rests.
  const data = new RegExp(DATA, 'gi');
  const kept: string[] = [];
  let pictures = 0;
  let end = 0;
  const slices = new Slices();
  for (let found = data.exec(source); found; found = data.exec(source)) {
    kept.push(source.slice(end, found.index), 'data:,');
    pictures++;
    const after = found[1] === undefined ? END : SVG_END;
    after.lastIndex = data.lastIndex;
    end = after.exec(source)?.index ?? source.length;
    data.lastIndex = end;
    if (slices.endBefore(end)) yield;
  }
  return { source: kept.join('') + source.slice(end), pictures };
}
