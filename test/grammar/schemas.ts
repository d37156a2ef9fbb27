/** Schemas of what is supported, each with a text that is valid under it, in the one spelling. */
import * as fc from 'fast-check';

export interface Example {
  schema: unknown;
  text: string;
}

const name = fc.oneof(
  fc.constantFrom('name', 'age', 'n', 'na', 'é', 'with space', 'a"b', '$id', '漢'),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
);
const word = fc.string({ unit: 'grapheme', maxLength: 8 });
const characters = (text: string) => [...text].length;
const scalar = fc.oneof(word, fc.integer({ min: -999, max: 999 }), fc.boolean(), fc.constant(null));

const strings: fc.Arbitrary<Example> = fc
  .tuple(word, fc.nat(3), fc.nat(3), fc.boolean())
  .map(([value, less, more, bounded]) => ({
    schema: bounded
      ? {
          type: 'string',
          minLength: Math.max(0, characters(value) - less),
          maxLength: characters(value) + more,
        }
      : { type: 'string', description: 'any' },
    text: JSON.stringify(value),
  }));

const bound = fc.integer({ min: -100_000, max: 100_000 });
const integers: fc.Arbitrary<Example> = fc
  .tuple(bound, fc.nat(20_000), fc.nat(20_000), fc.constantFrom('none', 'both', 'open', 'low'))
  .map(([value, below, above, kind]) => {
    const limits = {
      none: {},
      both: { minimum: value - below, maximum: value + above },
      open: { exclusiveMinimum: value - below - 1, exclusiveMaximum: value + above + 1 },
      low: { minimum: value - below },
    }[kind];
    return { schema: { type: 'integer', ...limits }, text: String(value) };
  });
const numbers: fc.Arbitrary<Example> = fc
  .tuple(bound, fc.nat(999_999), fc.nat(2000), fc.nat(2000), fc.boolean(), fc.boolean())
  .map(([whole, fraction, below, above, open, bounded]) => {
    const text = `${whole}.${String(fraction).padStart(6, '0')}`;
    const [least, most] = [whole - below - 1, whole + above + 1];
    const limits = open
      ? { exclusiveMinimum: least, exclusiveMaximum: most }
      : { minimum: least, maximum: most };
    return { schema: { type: 'number', ...(bounded && limits) }, text };
  });
const constants: fc.Arbitrary<Example> = fc
  .tuple(scalar, fc.array(scalar, { maxLength: 4 }), fc.boolean())
  .map(([value, others, single]) => ({
    schema: single ? { const: value } : { enum: [...new Set([...others, value])] },
    text: JSON.stringify(value),
  }));
const leaf = fc.oneof(
  strings,
  integers,
  numbers,
  constants,
  fc.constant({ schema: { type: 'boolean' }, text: 'true' }),
  fc.constant({ schema: { type: ['string', 'null'] }, text: 'null' }),
  fc.constant({ schema: {}, text: '{"any": [1, "x", {}]}' }),
);

interface Member {
  name: string;
  value: Example;
  required: boolean;
  there: boolean;
}

function objectOf(members: Member[], extra: Example | null): Example {
  const schema = {
    type: 'object',
    properties: Object.fromEntries(members.map(({ name, value }) => [name, value.schema])),
    required: members.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: extra ? extra.schema : false,
  };
  // In the order in which JavaScript lists them, where names that are numbers come first.
  const order = Object.keys(schema.properties);
  const said = members
    .filter(({ required, there }) => required || there)
    .sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
    .map(({ name, value }) => `${JSON.stringify(name)}: ${value.text}`);
  // Unlike any name, as a whole; its beginning may be like one.
  if (extra) said.push(`"name_na_age": ${extra.text}`);
  return { schema, text: `{${said.join(', ')}}` };
}

export const { example } = fc.letrec<{ example: Example }>((tie) => ({
  example: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc
      .tuple(
        fc.uniqueArray(
          fc.record({ name, value: tie('example'), required: fc.boolean(), there: fc.boolean() }),
          { selector: (member) => member.name, maxLength: 5 },
        ),
        fc.option(tie('example'), { freq: 4 }),
      )
      .map(([members, extra]) => objectOf(members, extra)),
    fc
      .tuple(tie('example'), fc.nat(3), fc.nat(2), fc.nat(2), fc.boolean())
      .map(([{ schema, text }, count, less, more, bounded]) => ({
        schema: {
          type: 'array',
          items: schema,
          ...(bounded && { minItems: Math.max(0, count - less), maxItems: count + more }),
        },
        text: `[${Array.from({ length: count }, () => text).join(', ')}]`,
      })),
    fc.tuple(tie('example'), tie('example'), fc.boolean()).map(([a, b, last]) => ({
      schema: { anyOf: last ? [b.schema, a.schema] : [a.schema, b.schema] },
      text: a.text,
    })),
  ),
}));
