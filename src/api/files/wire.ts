/** What /v1/files answers. */
import * as v from 'valibot';
import type { FileRecord } from '../../store/files.ts';
import { count, deletionOf, listOf, seconds } from '../wire.ts';

export const file = v.pipe(
  v.object({
    id: v.string(),
    object: v.literal('file'),
    bytes: count,
    created_at: seconds,
    filename: v.string(),
    purpose: v.string(),
    status: v.pipe(
      v.literal('processed'),
      v.description('Of the upload. A file is read when a store or a request names it.'),
    ),
    status_details: v.null(),
    expires_at: v.null(),
  }),
  v.title('File'),
);

export const fileList = listOf(file, 'FileList');
export const fileDeleted = deletionOf('file', 'FileDeleted');

export function toFile(record: FileRecord): v.InferOutput<typeof file> {
  return {
    id: record.id,
    object: 'file',
    bytes: record.bytes,
    created_at: record.createdAt,
    filename: record.filename,
    purpose: record.purpose,
    status: 'processed',
    status_details: null,
    expires_at: null,
  };
}
