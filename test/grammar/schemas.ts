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
const multiples: fc.Arbitrary<Example> = fc
  .tuple(
    fc.constantFrom(1, 2, 3, 5, 7, 10, 12, 25, 60, 64, 97, 100, 1000),
    fc.integer({ min: -4000, max: 4000 }),
    fc.nat(100_000),
    fc.nat(100_000),
    fc.constantFrom('none', 'both', 'low', 'above'),
  )
  .map(([multipleOf, times, below, above, kind]) => {
    const value = multipleOf * times;
    const limits = {
      none: {},
      both: { minimum: value - below, maximum: value + above },
      low: { minimum: value - below },
      above: { exclusiveMinimum: value - below - 1 },
    }[kind];
    return { schema: { type: 'integer', multipleOf, ...limits }, text: String(value) };
  });
const decimals: fc.Arbitrary<Example> = fc
  .tuple(
    fc.integer({ min: -3_000_000_000, max: 3_000_000_000 }),
    fc.nat(5_000_000),
    fc.nat(5_000_000),
    fc.boolean(),
  )
  .map(([micros, below, above, open]) => {
    const decimal = (units: number) => Number((units / 1e6).toFixed(6));
    const [least, most] = [decimal(micros - below - 1), decimal(micros + above + 1)];
    const limits = open
      ? { exclusiveMinimum: least, exclusiveMaximum: most }
      : { minimum: least, maximum: most };
    return { schema: { type: 'number', ...limits }, text: (micros / 1e6).toFixed(6) };
  });
/** A pattern, and a string that it matches. */
const patterned: fc.Arbitrary<Example> = fc
  .constantFrom<[object, string]>(
    [{ pattern: '^[A-Z]{2}\\d{4,6}$' }, 'AB12345'],
    [{ pattern: '^(red|green|blue)-(\\w+)$' }, 'green-x_1'],
    [{ pattern: '^\\+?[0-9]+([ -][0-9]+)*$' }, '+49 30-1234'],
    [{ pattern: '^[^"\\\\]*$' }, 'no quote é 漢'],
    [{ pattern: '^["\\\\\\n]{1,3}$' }, '"\\\n'],
    [{ pattern: '^[а-яё]+$' }, 'привет'],
    [{ pattern: '^\\u{1F600}?.$' }, '😀漢'],
    [{ pattern: '^(?<year>\\d{4})/(?:0?[1-9]|1[0-2])$' }, '2026/11'],
    [{ pattern: '^[a-f]+$', minLength: 2, maxLength: 4 }, 'abc'],
    [{ format: 'date' }, '2024-02-29'],
    [{ format: 'date-time' }, '2026-11-28T09:05:59.25+01:00'],
    [{ format: 'time' }, '23:59:00Z'],
    [{ format: 'uuid' }, '123e4567-e89b-42d3-a456-426614174000'],
    [{ format: 'email' }, 'ann.lee+x@mail.example.org'],
    [{ format: 'ipv4' }, '192.168.0.1'],
    [{ format: 'hostname' }, 'a-1.example.org'],
    [{ format: 'uri' }, 'https://example.org/a%20b?q=1#x'],
  )
  .map(([schema, value]) => ({
    schema: { type: 'string', ...schema },
    text: JSON.stringify(value),
  }));
const tuples: fc.Arbitrary<Example> = fc.constantFrom<Example>(
  {
    schema: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false },
    text: '["a", 3]',
  },
  {
    schema: { type: 'array', prefixItems: [{ type: 'null' }], minItems: 2 },
    text: '[null, "x", 1]',
  },
  { schema: { prefixItems: [{ const: 1 }, { const: 2 }], maxItems: 1 }, text: '[1]' },
  { schema: { type: 'array', prefixItems: [{}], minItems: 0 }, text: '[]' },
);
const discriminated: fc.Arbitrary<Example> = fc
  .constantFrom(['cat', '3'], ['dog', '"x"'])
  .map(([kind, value]) => ({
    schema: {
      oneOf: ['cat', 'dog'].map((name) => ({
        type: 'object',
        properties: {
          kind: { const: name },
          value: { type: name === 'cat' ? 'integer' : 'string' },
        },
        required: ['kind', 'value'],
      })),
      discriminator: { propertyName: 'kind' },
    },
    text: `{"kind": "${kind}", "value": ${value}}`,
  }));
const dictionaries: fc.Arbitrary<Example> = fc.constantFrom<Example>(
  {
    schema: {
      type: 'object',
      propertyNames: { pattern: '^[a-z]+$' },
      additionalProperties: { type: 'integer' },
    },
    text: '{"abc": 1, "d": 2}',
  },
  {
    schema: {
      type: 'object',
      propertyNames: { enum: ['a', 'b', 'c'] },
      additionalProperties: { type: 'boolean' },
    },
    text: '{"a": true, "c": false}',
  },
);
const leaf = fc.oneof(
  strings,
  integers,
  numbers,
  constants,
  multiples,
  decimals,
  patterned,
  tuples,
  discriminated,
  dictionaries,
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
