/**
 * What of a body a schema knows. Clients send fields of other servers and nulls for
 * what they leave out; neither is a reason to refuse a request. A field that would
 * change the answer is in the schema, to be honoured or refused by name
 * (answers/unsupported-fields.ts); any other that the schema does not know is a hint.
 */
import * as v from 'valibot';
import { invalid, type Path } from '../errors.ts';

type Value = Record<string, unknown>;

/** A schema's parts, whatever kind it is. */
interface Parts {
  type: string;
  entries?: Record<string, v.GenericSchema>;
  options?: readonly v.GenericSchema[];
  item?: v.GenericSchema;
  wrapped?: v.GenericSchema;
  /** Of a variant: the field that distinguishes its options. */
  key?: string;
  message?: string;
  pipe?: readonly { type: string; requirement?: unknown; message?: string }[];
}

const partsOf = (schema: v.GenericSchema) => schema as unknown as Parts;

export interface KnownFields {
  /** The body without hints, and without nulls where the schema takes none but needs no value. */
  value: unknown;
  hints: Path[];
}

/**
 * Linear in the body, and no deeper than the schema. Throws an `ApiFailure` for a list that
 * is longer than any form of it may be, before its items are looked at.
 */
export function knownFields(schema: v.GenericSchema, body: unknown): KnownFields {
  const hints: Path[] = [];
  return { value: bounded(schema, body, [], hints), hints };
}

function bounded(schema: v.GenericSchema, value: unknown, path: Path, hints: Path[]): unknown {
  const limit = Array.isArray(value) ? limitOf(schema) : null;
  if (limit && (value as unknown[]).length > limit.most) throw invalid(path, limit.message);
  return known(schema, value, path, hints);
}

/** A list is as long as it may be: of a union's forms the longest decided. */
function known(schema: v.GenericSchema, value: unknown, path: Path, hints: Path[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { type, entries, options, item, wrapped } = partsOf(schema);
  if (wrapped) return known(wrapped, value, path, hints);
  if (type === 'union' || type === 'variant') {
    const option = (options ?? []).find((one) => fits(one, value as Value));
    return option ? known(option, value, path, hints) : value;
  }
  if (Array.isArray(value)) {
    // The schema library takes a list for an object whose names are numbers.
    if (entries || type === 'record') throw invalid(path, 'must be an object');
    return item ? value.map((one, i) => bounded(item, one, [...path, i], hints)) : value;
  }
  return type === 'strict_object' && entries
    ? knownEntries(entries, value as Value, path, hints)
    : value;
}

interface ListLimit {
  most: number;
  message: string;
}

/** Of the items of a list: of a union's lists the highest. null where one of them has none. */
function limitOf(schema: v.GenericSchema): ListLimit | null {
  const { type, options = [], message, pipe = [], wrapped } = partsOf(schema);
  if (wrapped) return limitOf(wrapped);
  if (type !== 'union') {
    const action = pipe.find((one) => one.type === 'max_length');
    if (typeof action?.requirement !== 'number') return null;
    return { most: action.requirement, message: action.message ?? 'has too many items' };
  }
  const limits = options.filter((one) => partsOf(one).type === 'array').map(limitOf);
  const most = Math.max(...limits.map((limit) => limit?.most ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(most) ? { most, message: message ?? 'has too many items' } : null;
}

function knownEntries(
  entries: Record<string, v.GenericSchema>,
  value: Value,
  path: Path,
  hints: Path[],
): Value {
  const kept = Object.entries(value).flatMap(([name, one]): [string, unknown][] => {
    const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
    const place = [...path, name];
    if (entry) return isLeftOut(entry, one) ? [] : [[name, bounded(entry, one, place, hints)]];
    if (one !== null) hints.push(place);
    return [];
  });
  return Object.fromEntries(kept);
}

function isLeftOut(entry: v.GenericSchema, value: unknown): boolean {
  return value === null && partsOf(entry).type === 'optional' && !v.is(entry, null);
}

/** Whether an option of a union is the one that the value means: its kind is right, and so is what names it. */
function fits(schema: v.GenericSchema, value: Value): boolean {
  const { type, entries, options, wrapped } = partsOf(schema);
  if (wrapped) return fits(wrapped, value);
  if (options && (type === 'union' || type === 'variant')) {
    return options.some((one) => fits(one, value));
  }
  if (Array.isArray(value)) return type === 'array';
  if (!entries) return type === 'record';
  return Object.entries(entries).every(
    ([name, entry]) => !isName(entry) || v.is(entry, value[name]),
  );
}

/** Whether an entry has values that distinguish one object from another. */
function isName(entry: v.GenericSchema): boolean {
  const { type, wrapped } = partsOf(entry);
  if (wrapped) return isName(wrapped);
  return type === 'literal' || type === 'picklist';
}
