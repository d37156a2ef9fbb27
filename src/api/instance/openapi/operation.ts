/** One operation of the API. Its schemas are those that check the request and describe the answer. */
import type * as v from 'valibot';
import type { KeyScope } from '../../../store/schema.ts';

export interface Operation {
  method: 'get' | 'post' | 'delete';
  /** As OpenAPI writes it: `/v1/files/{id}`. */
  path: string;
  id: string;
  tag: string;
  summary: string;
  description?: string;
  /** One of them opens it, and so does `admin`, but for `metrics`. None: it needs no key. */
  scopes: readonly KeyScope[];
  query?: v.ObjectSchema<v.ObjectEntries, undefined>;
  /** JSON, with a title. */
  body?: v.GenericSchema;
  /** In place of a body: multipart, with a title. */
  form?: v.GenericSchema;
  /** By content type, each with a title. Null: bytes or text of any form. */
  answers: Record<string, v.GenericSchema | null>;
  /** It can fail for lack of the verifier, or of room there. */
  needsVerifier?: boolean;
}

export const JSON_TYPE = 'application/json';

export function json(schema: v.GenericSchema): Operation['answers'] {
  return { [JSON_TYPE]: schema };
}
