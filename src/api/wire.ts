/** What answers of all resources are made of. */
import * as v from 'valibot';

export const count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const seconds = v.pipe(v.number(), v.integer(), v.description('Seconds since 1970.'));

/** OpenAI's `error` object; also sent as an event when a stream fails half way. */
export const errorBody = v.pipe(
  v.object({
    error: v.object({
      message: v.pipe(v.string(), v.description('What is wrong, and what to do.')),
      type: v.string(),
      param: v.pipe(v.nullable(v.string()), v.description('The field that is wrong.')),
      code: v.nullable(v.string()),
    }),
  }),
  v.title('Error'),
);

/** A list object of items with ids. */
export function listOf<Item extends v.GenericSchema, const Title extends string>(
  item: Item,
  title: Title,
) {
  return v.pipe(
    v.object({
      object: v.literal('list'),
      data: v.array(item),
      first_id: v.nullable(v.string()),
      last_id: v.pipe(
        v.nullable(v.string()),
        v.description('Send it as `after` for what follows.'),
      ),
      has_more: v.boolean(),
    }),
    v.title(title),
  );
}

/** What a deletion answers. */
export function deletionOf<const Name extends string, const Title extends string>(
  object: Name,
  title: Title,
) {
  return v.pipe(
    v.object({ id: v.string(), object: v.literal(object), deleted: v.literal(true) }),
    v.title(title),
  );
}
