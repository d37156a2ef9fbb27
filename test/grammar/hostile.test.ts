/** Schemas that ask for too much, or for what is not supported, are refused by name and place; none takes long. */
import { describe, expect, test } from 'vitest';
import { MAX_PLACES, MAX_STRINGS } from '../../gpu-backend/grammar/automaton.ts';
import { MAX_GRAMMAR_BYTES } from '../../gpu-backend/grammar/grammar.ts';
import { MAX_NODES } from '../../gpu-backend/grammar/program.ts';
import { follow, grammarOfSchema, sample, textOf, tokenizer } from './bundled.ts';

const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });

function nested(depth: number): unknown {
  let schema: unknown = { type: 'string' };
  for (let i = 0; i < depth; i++) schema = { type: 'array', items: schema };
  return schema;
}

describe('what is not supported is refused by its place', () => {
  test.each([
    [{ not: {} }, 'schema.not'],
    [object({ n: { type: 'number', multipleOf: 0.3 } }), 'schema.properties.n.multipleOf'],
    [object({ n: { type: 'integer', multipleOf: 1234567 } }), 'schema.properties.n.multipleOf'],
    [{ type: 'integer', multipleOf: 0 }, 'schema.multipleOf'],
    [object({ s: { type: 'string', pattern: '^(?=a)' } }), 'schema.properties.s.pattern'],
    [{ type: 'string', pattern: '(a)\\1' }, 'schema.pattern'],
    [{ type: 'string', pattern: '(' }, 'schema.pattern'],
    [{ type: 'string', pattern: '^(?:ab)+$', minLength: 3 }, 'schema.minLength'],
    [object({ s: { type: 'string', format: 'iri' } }), 'schema.properties.s.format'],
    [{ oneOf: [{ type: 'string' }, { type: 'string' }] }, 'schema.oneOf'],
    [{ oneOf: [{ type: 'number' }, { const: 3 }] }, 'schema.oneOf'],
    [
      object({ a: {} }, { propertyNames: { pattern: 'x' }, additionalProperties: true }),
      'schema.propertyNames',
    ],
    [object({ a: {} }, { patternProperties: { x: {} } }), 'schema.patternProperties'],
    [{ allOf: [{}, {}] }, 'schema.allOf'],
    [{ type: 'array', prefixItems: {} }, 'schema.prefixItems'],
    [{ type: 'array', items: { uniqueItems: true, type: 'array' } }, 'schema.items.uniqueItems'],
    [{ anyOf: [{ type: 'null' }, { type: 'money' }] }, 'schema.anyOf.1.type'],
    [{ $ref: '#/$defs/none' }, 'schema.$ref'],
    [{ $ref: 'https://example.com/schema' }, 'schema.$ref'],
    [object({ a: {} }, { required: ['b'] }), 'schema.required'],
    [{ type: 'string', minLength: 3, maxLength: 2 }, 'schema.minLength'],
    [{ type: 'number', minimum: 1e12 }, 'schema.minimum'],
    [{ type: 'string', maxLength: 1e9 }, 'schema.maxLength'],
    [{ enum: [] }, 'schema.enum'],
    [
      { $ref: '#/$defs/a', $defs: { a: { type: 'array', items: { if: {} } } } },
      'schema.$defs.a.items.if',
    ],
    ['string', 'schema'],
    [null, 'schema'],
  ])('%j: %s', (schema, place) => {
    const path = place.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step));
    expect(() => grammarOfSchema(schema)).toThrow(expect.objectContaining({ path }));
  });
});

describe('limits', () => {
  test('depth', () => {
    expect(() => grammarOfSchema(nested(40))).toThrow('nested more than 32 deep');
    expect(() => grammarOfSchema(nested(31))).not.toThrow();
  });

  test('properties, names, values', () => {
    const many = Object.fromEntries(Array.from({ length: 513 }, (_, i) => [`p${i}`, {}]));
    expect(() => grammarOfSchema(object(many))).toThrow('more than 512');
    expect(() => grammarOfSchema(object({ ['n'.repeat(300)]: {} }))).toThrow('more than 256');
    expect(() => grammarOfSchema({ enum: Array.from({ length: 1001 }, (_, i) => i) })).toThrow(
      '1000',
    );
  });

  test('size', () => {
    const wide = { enum: Array.from({ length: 1000 }, (_, i) => `${i}`.repeat(60)) };
    expect(() => grammarOfSchema(wide)).toThrow(`more than ${MAX_NODES} nodes`);
  });

  test.each([
    ['a reference to itself', { $ref: '#' }],
    [
      'two to each other',
      { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
    ],
    [
      'an object that must contain itself',
      object({ again: { $ref: '#' } }, { required: ['again'] }),
    ],
    ['false', false],
    ['values of another type', { type: 'string', enum: [1, 2] }],
    ['no number between', { type: 'integer', exclusiveMinimum: 1, exclusiveMaximum: 2 }],
  ])('%s is refused as nothing that could be said', (_, schema) => {
    expect(() => grammarOfSchema(schema)).toThrow('it has no value');
  });
});

describe('what is ambiguous or wide stays small, and has an end', () => {
  test('alternatives that begin alike, again and again', () => {
    const list = { type: 'array', items: { $ref: '#/$defs/a' } };
    const schema = { $ref: '#/$defs/a', $defs: { a: { anyOf: [list, { ...list }, { ...list }] } } };
    const grammar = grammarOfSchema(schema);
    const deep = follow(grammar, tokenizer.encode('['.repeat(30)))!;
    expect(deep.places.length).toBeLessThanOrEqual(MAX_PLACES);
    expect(JSON.parse(textOf(sample(grammar, 1, 40)))).toBeInstanceOf(Array);
  });

  test('alternatives that all begin with a string are held to the first ones', () => {
    const named = (i: number) =>
      object(
        { name: { type: 'string' }, [`p${i}`]: { type: 'null' } },
        { required: ['name', `p${i}`] },
      );
    const of = (count: number) =>
      grammarOfSchema({ anyOf: Array.from({ length: count }, (_, i) => named(i)) });
    const text = (i: number) => tokenizer.encode(`{"name": "any text", "p${i}": null}`);
    expect(follow(of(MAX_STRINGS), text(MAX_STRINGS - 1))?.finished).toBe(true);

    const hostile = of(300);
    const inside = follow(hostile, tokenizer.encode('{"name": "any te'))!;
    // A place of a string takes plain text, its end, an escape, or a byte of a longer character.
    expect(inside.places.length).toBeLessThanOrEqual(10 * MAX_STRINGS);
    expect(follow(hostile, text(MAX_STRINGS - 1))?.finished).toBe(true);
    expect(follow(hostile, text(MAX_STRINGS))).toBeNull();
    JSON.parse(textOf(sample(hostile, 1, 60)));
  });

  test('hundreds of optional properties', () => {
    const many = Object.fromEntries(
      Array.from({ length: 400 }, (_, i) => [`property${i}`, { type: 'string', maxLength: 50 }]),
    );
    const grammar = grammarOfSchema(object(many));
    for (let seed = 0; seed < 3; seed++) JSON.parse(textOf(sample(grammar, seed, 60)));
    // Places left out are the last: the first property is always there.
    expect(follow(grammar, tokenizer.encode('{"property0": "x"}'))?.finished).toBe(true);
  });

  test('what is kept is bounded, and given up without a trace', () => {
    const schema = { type: 'array', items: { type: 'string', maxLength: 3000 } };
    const grammar = grammarOfSchema(schema);
    const text = `["${'long text '.repeat(290)}"]`;
    const tokens = tokenizer.encode(text);
    for (let round = 0; round < 60 && grammar.bytes < 2 * MAX_GRAMMAR_BYTES; round++) {
      let at = follow(grammar, tokenizer.encode(`["${'ab'.repeat(round)}", "`))!;
      for (const token of tokenizer.encode('long text '.repeat(280))) {
        grammar.mask(at);
        at = grammar.advance(at, token)!;
      }
    }
    expect(grammar.bytes).toBeLessThan(1.5 * MAX_GRAMMAR_BYTES);
    expect(follow(grammar, tokens)?.finished).toBe(true);
  });
});
