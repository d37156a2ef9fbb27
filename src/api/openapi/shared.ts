/** Schemas that several resources answer with. */
import * as v from 'valibot';
import type { Component } from './operation.ts';

export const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Since 1970. */
export const seconds = v.pipe(v.number(), v.integer());

export const errorBody = v.object({
  error: v.object({
    message: v.string(),
    type: v.string(),
    param: v.nullable(v.string()),
    code: v.nullable(v.string()),
  }),
});

export function page<Item extends v.GenericSchema>(item: Item) {
  return v.object({
    object: v.literal('list'),
    data: v.array(item),
    first_id: v.nullable(v.string()),
    last_id: v.nullable(v.string()),
    has_more: v.boolean(),
  });
}

export function deleted<const Name extends string>(name: Name) {
  return v.object({ id: v.string(), object: v.literal(name), deleted: v.literal(true) });
}

export const sharedComponents: Readonly<Record<string, Component>> = {
  Error: { schema: errorBody },
};
