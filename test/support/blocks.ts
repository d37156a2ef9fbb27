/** What a parser makes of a file, without the places. */
import { parse } from '../../src/retrieve/parse/parse.ts';

const at = (content: string | Uint8Array<ArrayBuffer>) =>
  new Uint8Array(Buffer.from(content as string));

export async function document(
  name: string,
  content: string | Uint8Array<ArrayBuffer>,
  contentType = '',
) {
  return parse(at(content).buffer, name, contentType, async () => {});
}

/** The texts of all blocks, in order. */
export async function blocks(
  name: string,
  content: string | Uint8Array<ArrayBuffer>,
  contentType = '',
): Promise<string[]> {
  const { sections } = await document(name, content, contentType);
  return sections.flatMap((section) => section.blocks.map(({ text }) => text));
}
