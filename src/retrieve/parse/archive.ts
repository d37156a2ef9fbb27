/** Zip archives to one document: each member parsed as itself, what can't be read left out and named. */
import { type LeftOut, type ParsedDocument, requireRoom, UnreadableFile } from './document.ts';
import type { UnpackingRoom } from './unpacking.ts';
import { readZipDirectory, readZipMember } from './zip.ts';

/** Of all members together. */
const MAX_SECTIONS = 100_000;

type ParseMember = (bytes: Uint8Array<ArrayBuffer>, name: string) => Promise<ParsedDocument>;

/** @throws {UnreadableFile} where no member can be read, or all together are too large. */
export async function parseArchive(
  archive: Uint8Array<ArrayBuffer>,
  room: UnpackingRoom,
  parseMember: ParseMember,
): Promise<ParsedDocument> {
  const texts: string[] = [];
  const whole: ParsedDocument = { text: '', sections: [], leftOut: [] };
  let offset = 0;
  for (const entry of readZipDirectory(archive)) {
    const { name } = entry;
    if (isClutter(name)) continue;
    try {
      if (isHidden(name)) throw new UnreadableFile('unsupported_file', 'a hidden file');
      // An archive in an archive is not followed.
      if (/\.zip$/i.test(name)) throw new UnreadableFile('unsupported_file', 'an archive itself');
      const member = await parseMember(await readZipMember(archive, entry, room), name);
      append(whole, member, name, offset);
      texts.push(member.text);
      offset += member.text.length + 1;
    } catch (error) {
      // Where the archive's room is used up it is no member's own fault.
      if (!(error instanceof UnreadableFile) || error === room.fault) throw error;
      whole.leftOut.push({ name, reason: error.message });
    }
    requireRoom(offset);
    requireFewSections(whole.sections.length);
  }
  whole.text = texts.join('\n');
  if (whole.sections.length === 0) throw nothingIn(whole.leftOut);
  return whole;
}

function append(whole: ParsedDocument, member: ParsedDocument, name: string, offset: number): void {
  for (const section of member.sections) {
    for (const block of section.blocks) {
      block.start += offset;
      block.end += offset;
    }
    whole.sections.push(section);
  }
  for (const { name: part, reason } of member.leftOut) {
    whole.leftOut.push({ name: `${name}: ${part}`, reason });
  }
}

function requireFewSections(sections: number): void {
  if (sections > MAX_SECTIONS) {
    throw new UnreadableFile(
      'invalid_file',
      `the archive has more than ${MAX_SECTIONS} headings: split it`,
    );
  }
}

function nothingIn([first]: readonly LeftOut[]): UnreadableFile {
  const reason = first ? `; ${first.name}: ${first.reason}` : '';
  return new UnreadableFile('invalid_file', `the archive has no file that can be read${reason}`);
}

/** What systems put into archives unasked. */
function isClutter(name: string): boolean {
  return name.startsWith('__MACOSX/') || /(^|\/)(?:\.DS_Store|Thumbs\.db)$/.test(name);
}

function isHidden(name: string): boolean {
  return /(^|\/)\.[^/]*$/.test(name);
}
