/** Uploads, told to those who call them. */
import * as v from 'valibot';
import { listQuery, uploadForm } from '../files/route.ts';
import { json, type Resource } from './operation.ts';
import { count, deleted, page, seconds } from './shared.ts';

const file = v.object({
  id: v.string(),
  object: v.literal('file'),
  bytes: count,
  created_at: seconds,
  filename: v.string(),
  purpose: v.string(),
  status: v.literal('processed'),
  status_details: v.null(),
  expires_at: v.null(),
});
export type FileObject = v.InferOutput<typeof file>;

const fileList = page(file);
const fileDeleted = deleted('file');
const tag = 'Files';
const scopes = ['ingest'] as const;

export const filesResource: Resource = {
  components: {
    Upload: {
      schema: uploadForm,
      notes: { file: 'At most 24 MB.', purpose: 'Taken and told again; it changes nothing.' },
    },
    File: { schema: file },
    FileList: { schema: fileList },
    FileDeleted: { schema: fileDeleted },
  },
  operations: [
    {
      method: 'post',
      path: '/v1/files',
      id: 'uploadFile',
      tag,
      summary: 'Uploads a file',
      description:
        'Markdown, text, HTML, PDF, docx, JSON, CSV, source code, or a zip archive of those. It is read when it is attached to a store.',
      scopes,
      form: uploadForm,
      answers: json(file),
    },
    {
      method: 'get',
      path: '/v1/files',
      id: 'listFiles',
      tag,
      summary: 'Lists the files',
      scopes,
      query: listQuery,
      answers: json(fileList),
    },
    {
      method: 'get',
      path: '/v1/files/{id}',
      id: 'getFile',
      tag,
      summary: 'Gets a file’s record',
      scopes,
      answers: json(file),
    },
    {
      method: 'get',
      path: '/v1/files/{id}/content',
      id: 'getFileContent',
      tag,
      summary: 'Gets a file as it was uploaded',
      scopes,
      answers: { 'application/octet-stream': null },
    },
    {
      method: 'delete',
      path: '/v1/files/{id}',
      id: 'deleteFile',
      tag,
      summary: 'Deletes a file, and its passages from every store',
      scopes,
      answers: json(fileDeleted),
    },
  ],
};
