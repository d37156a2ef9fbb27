/** Markdown files out of a tar archive, so that nothing is unpacked to disk. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { benchData } from '../data-folder.ts';

export interface MarkdownFile {
  name: string;
  bytes: Buffer;
}

/** Of a tar header (POSIX ustar): where its fields are, in bytes. */
const BLOCK = 512;
const NAME_END = 100;
const SIZE_START = 124;
const SIZE_END = 136;
const TYPE = 156;
const REGULAR_FILE = '0'.charCodeAt(0);

const DOCS = join(import.meta.dirname, '../../docs');

/** The files of `archive`, or of the one in the folder that ESPALIER_BENCH_DATA names; without either, our own docs. */
export function markdownToIngest(archive: string | undefined, most: number): MarkdownFile[] {
  const file = archive ?? benchData('docs/docs-train.tar.gz');
  if (file !== undefined) return archivedMarkdown(file, most);
  console.error('no archive is named, so docs/ is taken in: see bench/data/README.md');
  return readdirSync(DOCS)
    .filter((name) => name.endsWith('.md'))
    .map((name) => ({ name, bytes: readFileSync(join(DOCS, name)) }));
}

/** Files in the archive's order, until they have `most` bytes together. */
function archivedMarkdown(archive: string, most: number): MarkdownFile[] {
  if (!existsSync(archive)) throw new Error(`no ${archive}: name a .tar.gz of markdown files`);
  const tar = gunzipSync(readFileSync(archive));
  const files: MarkdownFile[] = [];
  let total = 0;
  for (let at = 0; at + BLOCK <= tar.length && total < most; ) {
    const header = tar.subarray(at, at + BLOCK);
    const size = Number.parseInt(header.toString('latin1', SIZE_START, SIZE_END), 8) || 0;
    const name = header.toString('utf8', 0, NAME_END).replace(/\0.*$/s, '');
    const bytes = tar.subarray(at + BLOCK, at + BLOCK + size);
    if (header[TYPE] === REGULAR_FILE && /\.mdx?$/.test(name) && size > 0) {
      files.push({ name: basename(name), bytes });
      total += size;
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

/** Headings from all over the files, as queries that have an answer. */
export function headings(files: readonly MarkdownFile[], count: number): string[] {
  const all = files.flatMap(({ bytes }) =>
    [...bytes.toString('utf8').matchAll(/^#+ (.{8,80})$/gm)].map(([, heading]) => heading!),
  );
  const every = Math.max(1, Math.floor(all.length / count));
  return all.filter((_, i) => i % every === 0).slice(0, count);
}
