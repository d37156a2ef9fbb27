/** Text without markup: blank lines part its paragraphs. */
import { requireRoom, titleFromName } from './document.ts';
import { Sections } from './sections.ts';
import { type Parsing, SLICE } from './slices.ts';

export function* parsePlainText(source: string, filename: string): Parsing {
  requireRoom(source.length);
  const sections = new Sections(titleFromName(filename));
  let start = -1;
  let end = 0;
  let sliceEnd = SLICE;

  function endParagraph(): void {
    if (start < 0) return;
    const text = source.slice(start, end).replaceAll('\r', '').replaceAll('\t', '  ');
    sections.add({ text, start, end });
    start = -1;
  }

  for (let line = 0; line < source.length; ) {
    const newline = source.indexOf('\n', line);
    const lineEnd = newline < 0 ? source.length : newline;
    if (source.slice(line, lineEnd).trim() === '') {
      endParagraph();
    } else {
      if (start < 0) start = line;
      end = lineEnd;
    }
    line = lineEnd + 1;
    if (line > sliceEnd) {
      yield;
      sliceEnd = line + SLICE;
    }
  }
  endParagraph();
  return { text: source, sections: sections.end(), leftOut: [] };
}
