import { type Block, type ParsedDocument, titleFromName } from './document.ts';

/** Text without markup: paragraphs are parted by blank lines. */
export function parsePlainText(source: string, filename: string): ParsedDocument {
  const title = titleFromName(filename);
  const blocks: Block[] = [];
  let start = -1;
  let end = 0;

  function endParagraph(): void {
    if (start < 0) return;
    const text = source.slice(start, end).replaceAll('\r', '').replaceAll('\t', '  ');
    blocks.push({ text, start, end });
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
  }
  endParagraph();
  return { text: source, sections: blocks.length > 0 ? [{ title, heading: title, blocks }] : [] };
}
