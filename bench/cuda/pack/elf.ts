/** The sections of a 64-bit ELF file: as much of the format as it takes to find a library's device code. */

export interface Section {
  name: string;
  /** Where the library is mapped, from its base. */
  address: number;
  offset: number;
  bytes: number;
}

const SECTION_TABLE = 0x28;
const SECTION_ENTRY_BYTES = 0x3a;
const SECTION_COUNT = 0x3c;
const NAME_SECTION = 0x3e;

export function sectionsOf(file: Buffer): Section[] {
  const table = Number(file.readBigUInt64LE(SECTION_TABLE));
  const entryBytes = file.readUInt16LE(SECTION_ENTRY_BYTES);
  const entries = Array.from({ length: file.readUInt16LE(SECTION_COUNT) }, (_, i) => {
    const at = table + i * entryBytes;
    const long = (field: number) => Number(file.readBigUInt64LE(at + field));
    return { name: file.readUInt32LE(at), address: long(16), offset: long(24), bytes: long(32) };
  });
  const names = entries[file.readUInt16LE(NAME_SECTION)]!;
  return entries.map((entry) => {
    const start = names.offset + entry.name;
    return { ...entry, name: file.toString('latin1', start, file.indexOf(0, start)) };
  });
}

export function sectionNamed(file: Buffer, name: string): Section {
  const found = sectionsOf(file).find((section) => section.name === name);
  if (!found) throw new Error(`the library has no section ${name}`);
  return found;
}
