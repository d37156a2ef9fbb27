import { json, type Operation } from '../instance/openapi/operation.ts';
import { filesQuery, uploadForm } from './schema.ts';
import { file, fileDeleted, fileList } from './wire.ts';

const tag = 'Files';
const scopes = ['ingest'] as const;

export const filesOperations: readonly Operation[] = [
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
    query: filesQuery,
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
];
