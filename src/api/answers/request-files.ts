/** Files that a request brings: named in `file_ids`, or as parts of its messages. */
import * as v from 'valibot';
import type { Bindings } from '../../bindings.ts';
import { type FileRecord, findFile } from '../../store/files.ts';
import type { Tenant } from '../../store/tenants.ts';
import { invalid, notFound, type Path } from '../errors.ts';

/** Files that one request may bring. */
const MAX_ATTACHED_FILES = 16;

const CONTEXTS = ['passages', 'full'] as const;

/** What a request is answered from, beside stores. */
export const fileFields = {
  file_ids: v.pipe(
    v.nullish(
      v.pipe(
        v.array(v.string('must be a string'), 'must be a list of files’ ids'),
        v.maxLength(MAX_ATTACHED_FILES, `must have at most ${MAX_ATTACHED_FILES} files`),
      ),
    ),
    v.description(
      'Uploaded files to answer from, beside those in the messages. Only stores that are named are searched then.',
    ),
  ),
  context: v.pipe(
    v.optional(v.picklist(CONTEXTS, `must be one of ${CONTEXTS.join(', ')}`), 'passages'),
    v.description(
      'What the model reads of these files: the `passages` that match the question, or [`full`](#how-do-i-give-the-model-a-whole-document), everything.',
    ),
  ),
};

/** OpenAI's, by id alone: what is uploaded once is read once. */
export const filePart = v.strictObject({
  type: v.literal('file'),
  file: v.strictObject({
    file_id: v.string('must be a string'),
    file_data: v.optional(
      v.never('is not supported: upload the file to /v1/files and send its file_id'),
    ),
  }),
});

/** A file that a request names, and where. */
export interface NamedFile {
  id: string;
  path: Path;
}

/** Those in `file_ids`, before those in the messages. */
export function listedFiles(fileIds: readonly string[] | null | undefined): NamedFile[] {
  return (fileIds ?? []).map((id, i) => ({ id, path: ['file_ids', i] }));
}

/**
 * The tenant's files in the order named, each once. One of another tenant does not
 * exist. @param prompt where the messages are
 */
export async function requireFiles(
  env: Bindings,
  tenant: Tenant,
  named: readonly NamedFile[],
  prompt: Path,
): Promise<FileRecord[]> {
  const firsts = new Map<string, Path>();
  for (const { id, path } of named) if (!firsts.has(id)) firsts.set(id, path);
  if (firsts.size > MAX_ATTACHED_FILES) {
    throw invalid(prompt, `at most ${MAX_ATTACHED_FILES} files, file_ids included`);
  }
  return Promise.all(
    [...firsts].map(async ([id, path]) => {
      const file = await findFile(env, tenant.id, id);
      if (!file) throw notFound(path, `there is no file "${id}"`);
      return file;
    }),
  );
}
