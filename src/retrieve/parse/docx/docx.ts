/** Word documents to sections: their package, and which of its parts are read. */
import { runInSlices } from '../../../pause.ts';
import { DocumentBuilder } from '../builder.ts';
import { decode } from '../decode.ts';
import { counted, type ParsedDocument, titleFromName, UnreadableFile } from '../document.ts';
import { type MarkupEvents, readMarkup } from '../markup.ts';
import type { Rest } from '../slices.ts';
import type { UnpackingRoom } from '../unpacking.ts';
import { readZipDirectory, readZipMember, type ZipEntry } from '../zip.ts';
import { BodyReader } from './body.ts';
import { localName } from './names.ts';
import { NotesReader } from './notes.ts';
import { Numbering } from './numbering.ts';
import { MAX_DESCRIPTION } from './run-text.ts';
import { Styles } from './styles.ts';

/** Of an OLE file: how Word encrypts documents, and what it wrote before 2007. */
const OLE = [0xd0, 0xcf, 0x11, 0xe0];

/** Parts that hold words which are not read, by the end of their relationship's type. */
const UNREAD: Readonly<Record<string, [noun: string, reason: string]>> = {
  diagramData: ['diagram', 'its text is drawn, not written'],
  chart: ['chart', 'its numbers are in a spreadsheet of its own'],
  aFChunk: ['embedded document', 'attach it by itself'],
  package: ['embedded file', 'attach it by itself'],
};

interface Relationship {
  /** The last part of its type's address, which differs between versions of the standard. */
  type: string;
  /** The part's name in the package. */
  target: string;
}

export async function parseDocx(
  bytes: Uint8Array<ArrayBuffer>,
  filename: string,
  room: UnpackingRoom,
  rest: Rest,
): Promise<ParsedDocument> {
  const document = WordPackage.open(bytes, room, rest);
  const [main] = (await document.relationships('')).filter(({ type }) => type === 'officeDocument');
  const body = main?.target ?? 'word/document.xml';
  if (!document.has(body)) throw notWord();
  const related = await document.relationships(body);
  const styles = await document.read(partOf(related, 'styles'), new Styles());
  const numbering = await document.read(partOf(related, 'numbering'), new Numbering());
  const notes = new NotesReader();
  for (const type of ['footnotes', 'endnotes', 'comments'] as const) {
    notes.begin(type);
    await document.read(partOf(related, type), notes);
  }
  const builder = new DocumentBuilder(titleFromName(filename), false);
  const reader = await document.read(body, new BodyReader(builder, styles, numbering, notes));
  await runInSlices(reader.finish(), rest);
  if (reader.leftOut > 0) {
    const count = reader.leftOut > 1 ? ` (${reader.leftOut})` : '';
    const name = `descriptions of pictures${count}`;
    builder.leftOut.push({ name, reason: `longer than ${MAX_DESCRIPTION} characters` });
  }
  await nameUnread(document, related, builder);
  return builder.build();
}

function partOf(related: readonly Relationship[], type: string): string | undefined {
  return related.find((relationship) => relationship.type === type)?.target;
}

async function nameUnread(
  document: WordPackage,
  related: readonly Relationship[],
  builder: DocumentBuilder,
): Promise<void> {
  for (const [type, [noun, reason]] of Object.entries(UNREAD)) {
    const count = related.filter((relationship) => relationship.type === type).length;
    if (count > 0) builder.leftOut.push({ name: counted(noun, count), reason });
  }
  const edges = related.filter(({ type }) => type === 'header' || type === 'footer');
  const words = new WordFinder();
  for (const { target } of edges) await document.read(target, words);
  if (words.found) {
    builder.leftOut.push({ name: 'page headers and footers', reason: 'repeated on every page' });
  }
}

/** Whether a part has anything to read. */
class WordFinder implements MarkupEvents {
  found = false;

  open(): void {}

  close(): void {}

  text(text: string): void {
    this.found ||= /[\p{L}\p{N}]/u.test(text);
  }
}

/** Parts by name, in a zip archive. */
class WordPackage {
  private readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly entries: ReadonlyMap<string, ZipEntry>;
  private readonly room: UnpackingRoom;
  private readonly rest: Rest;

  private constructor(
    bytes: Uint8Array<ArrayBuffer>,
    entries: readonly ZipEntry[],
    room: UnpackingRoom,
    rest: Rest,
  ) {
    this.bytes = bytes;
    this.entries = new Map(entries.map((entry) => [entry.name, entry]));
    this.room = room;
    this.rest = rest;
  }

  static open(bytes: Uint8Array<ArrayBuffer>, room: UnpackingRoom, rest: Rest): WordPackage {
    if (OLE.every((byte, at) => bytes[at] === byte)) {
      throw new UnreadableFile(
        'invalid_file',
        'the file has a password or is an old .doc: save it as .docx without a password',
      );
    }
    try {
      return new WordPackage(bytes, readZipDirectory(bytes), room, rest);
    } catch (error) {
      throw notWord(error);
    }
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** Gives the part's elements to the reader, and the reader back. A part that is not there has none. */
  async read<T extends MarkupEvents>(name: string | undefined, reader: T): Promise<T> {
    const entry = name === undefined ? undefined : this.entries.get(name);
    if (!entry) return reader;
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = await readZipMember(this.bytes, entry, this.room);
    } catch (error) {
      if (!(error instanceof UnreadableFile) || error === this.room.fault) throw error;
      throw new UnreadableFile('invalid_file', `${entry.name.slice(0, 80)}: ${error.message}`);
    }
    const { text } = await runInSlices(decode(bytes, '', 'xml'), this.rest);
    await runInSlices(readMarkup(text, 'xml', reader), this.rest);
    return reader;
  }

  /** @param part the part whose relationships these are; '' for the package's */
  async relationships(part: string): Promise<Relationship[]> {
    const slash = part.lastIndexOf('/') + 1;
    const folder = part.slice(0, slash);
    const reader = new RelationshipReader(folder);
    await this.read(`${folder}_rels/${part.slice(slash)}.rels`, reader);
    return reader.relationships;
  }
}

class RelationshipReader implements MarkupEvents {
  readonly relationships: Relationship[] = [];
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  open(name: string, attributes: ReadonlyMap<string, string>): void {
    const target = attributes.get('Target');
    if (localName(name) !== 'Relationship' || target === undefined) return;
    if (attributes.get('TargetMode') === 'External') return;
    const type = attributes.get('Type') ?? '';
    this.relationships.push({
      type: type.slice(type.lastIndexOf('/') + 1),
      target: resolve(this.folder, target),
    });
  }

  close(): void {}

  text(): void {}
}

/** A target is relative to its folder, or absolute. */
function resolve(folder: string, target: string): string {
  const path: string[] = [];
  for (const name of (target.startsWith('/') ? target : folder + target).split('/')) {
    if (name === '..') path.pop();
    else if (name !== '' && name !== '.') path.push(name);
  }
  return path.join('/');
}

function notWord(cause?: unknown): UnreadableFile {
  return new UnreadableFile('invalid_file', 'the file is not a Word document (.docx)', cause);
}
