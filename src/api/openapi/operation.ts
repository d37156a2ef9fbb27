/** One operation as the document tells it. Its schemas are the ones that requests are checked with. */
import type * as v from 'valibot';
import type { Scope } from '../../store/schema.ts';

export interface Operation {
  method: 'get' | 'post' | 'delete';
  /** As OpenAPI writes it: `/v1/files/{id}`. */
  path: string;
  id: string;
  tag: string;
  summary: string;
  description?: string;
  /** One of them opens it, and so does `admin`. None: it needs no key. */
  scopes: readonly Scope[];
  query?: v.ObjectSchema<v.ObjectEntries, undefined>;
  /** JSON, unless it is a form. */
  body?: v.GenericSchema;
  form?: v.GenericSchema;
  /** By content type. Null: bytes or text of any form. */
  answers: Record<string, v.GenericSchema | null>;
  /** It can fail for lack of the verifier, or of room there. */
  needsVerifier?: boolean;
}

/** Operations of one resource, and the schemas that they call by name. */
export interface Resource {
  operations: readonly Operation[];
  components: Readonly<Record<string, Component>>;
}

export interface Component {
  schema: v.GenericSchema;
  /** What its fields mean. */
  notes?: Readonly<Record<string, string>>;
}

export const JSON_TYPE = 'application/json';

export function json(schema: v.GenericSchema): Operation['answers'] {
  return { [JSON_TYPE]: schema };
}
