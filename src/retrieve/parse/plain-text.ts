/** Text without markup: blank lines part its paragraphs. */
import { requireRoom, titleFromName } from './document.ts';
import { Sections } from './sections.ts';
import { type Parsing, SLICE, Slices } from './slices.ts';

export function* parsePlainText(source: string, filename: string): Parsing {
  requireRoom(source.length);
  const sections = new Sections(titleFromName(filename));
  let start = -1;
  let end = 0;
  const slices = new Slices();

  function* endParagraph(): Generator<void, void> {
    if (start < 0) return;
    const parts: string[] = [];
    for (let at = start; at < end; at += SLICE) {
      if (at > start) yield;
      const part = source.slice(at, Math.min(at + SLICE, end));
      // `replaceAll` leaves a string in pieces, which all would be joined at once by who reads them.
      parts.push(part.split('\r').join('').split('\t').join('  '));
    }
    sections.add({ text: parts.join(''), start, end });
    start = -1;
  }

  for (let line = 0; line < source.length; ) {
    const newline = source.indexOf('\n', line);
    const lineEnd = newline < 0 ? source.length : newline;
    if (source.slice(line, lineEnd).trim() === '') {
      yield* endParagraph();
    } else {
      if (start < 0) start = line;
      end = lineEnd;
    }
    line = lineEnd + 1;
    if (slices.endBefore(line)) yield;
  }
  yield* endParagraph();
  return { text: source, sections: sections.end(), leftOut: [] };
}
