/** What /v1/files takes. */
import * as v from 'valibot';
import { pageQuery } from '../page.ts';

const PURPOSES = ['assistants', 'user_data'] as const;
const MAX_FILENAME = 255;
const NAME = `its name must have 1 to ${MAX_FILENAME} characters`;

export const uploadForm = v.pipe(
  v.strictObject({
    file: v.pipe(
      v.file('must be a file in a multipart form'),
      v.check(({ name }) => name !== '' && name.length <= MAX_FILENAME, NAME),
      v.description(`At most 24 MiB, with a name of at most ${MAX_FILENAME} characters.`),
    ),
    purpose: v.pipe(
      v.picklist(PURPOSES, `must be one of ${PURPOSES.join(', ')}`),
      v.description('Accepted and echoed back. It changes nothing.'),
    ),
  }),
  v.title('Upload'),
);

export const filesQuery = v.object({
  ...pageQuery.entries,
  purpose: v.pipe(v.optional(v.string()), v.description('Only files with this purpose.')),
});
