/** Word documents: mammoth makes HTML of their styles, which says what is a heading or a list. */
import { type ParsedDocument, UnreadableFile } from './document.ts';
import { parseHtml } from './html.ts';

export async function parseDocx(bytes: ArrayBuffer, filename: string): Promise<ParsedDocument> {
  // Loaded when needed: most tenants never send one, and start-up time is everyone's.
  const { default: mammoth } = await import('mammoth');
  // It asks for a Buffer in Node and for an ArrayBuffer elsewhere; its unzipper takes any bytes.
  const input = { arrayBuffer: bytes, buffer: new Uint8Array(bytes) };
  let html: string;
  try {
    const ignoreImages = mammoth.images.imgElement(async () => ({ src: '' }));
    ({ value: html } = await mammoth.convertToHtml(input, { convertImage: ignoreImages }));
  } catch (error) {
    throw new UnreadableFile('invalid_file', 'the file is not a Word document (.docx)', error);
  }
  return parseHtml(html, filename);
}
