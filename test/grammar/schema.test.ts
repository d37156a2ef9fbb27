/**
 * JSON Schema as a mask over tokens: whatever it lets through parses and is valid
 * under the schema by another's judgement, and what is valid can be said.
 */
import { Validator } from '@cfworker/json-schema';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyValue, FREE } from '../../gpu-backend/grammar/json.ts';
import { GrammarRefused } from '../../gpu-backend/grammar/refused.ts';
import { schemaGrammar } from '../../gpu-backend/grammar/schema/reader.ts';
import {
  allowed,
  follow,
  grammarOf,
  grammarOfSchema,
  STOPS,
  sample,
  textOf,
  tokenizer,
  vocabulary,
} from './bundled.ts';
import { example } from './schemas.ts';

function validate(schema: unknown, text: string): void {
  const { valid, errors } = new Validator(schema as object, '2020-12').validate(JSON.parse(text));
  expect(valid, `${JSON.stringify(schema)} of ${text}: ${JSON.stringify(errors)}`).toBe(true);
}

/** A list in a list in a list, by way of a reference. */
const TREE = {
  $ref: '#/$defs/node',
  $defs: {
    node: {
      type: 'object',
      properties: {
        label: { type: 'string' },
        left: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
        right: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
      },
      required: ['label', 'left', 'right'],
      additionalProperties: false,
    },
  },
};

describe('a schema’s grammar', () => {
  test('lets nothing through that is not valid', () => {
    fc.assert(
      fc.property(example, fc.nat(), fc.integer({ min: 0, max: 60 }), ({ schema }, seed, wild) => {
        validate(schema, textOf(sample(grammarOfSchema(schema), seed, wild)));
      }),
      { numRuns: 150 },
    );
  });

  test('lets a valid text through, as the tokenizer has it and byte by byte', () => {
    fc.assert(
      fc.property(example, ({ schema, text }) => {
        validate(schema, text);
        const grammar = grammarOfSchema(schema);
        const end = follow(grammar, tokenizer.encode(text));
        expect(end?.accepting, `${JSON.stringify(schema)} of ${text}`).toBe(true);
        const single = [...new TextEncoder().encode(text)].map((byte) => byteToken(byte));
        expect(follow(grammar, single)?.accepting).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('masks what stepping refuses, token by token', () => {
    fc.assert(
      fc.property(example, fc.nat(), fc.nat(30), ({ schema }, seed, wild) => {
        const grammar = grammarOfSchema(schema);
        const tokens = sample(grammar, seed, wild);
        for (const cut of [0, tokens.length >> 1, tokens.length]) {
          const at = follow(grammar, tokens.slice(0, cut))!;
          const steps = vocabulary.texts.flatMap((_, id) => (grammar.allows(at, id) ? [id] : []));
          expect(allowed(grammar.mask(at))).toEqual(steps);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('may contain itself, to a depth that always has an end', () => {
    const grammar = grammarOfSchema(TREE);
    for (let seed = 0; seed < 10; seed++) validate(TREE, textOf(sample(grammar, seed, 120)));
    // Always the deeper way: the mask closes it in time, and what was begun can be ended.
    let tokens: number[] = [];
    for (let nested = 0; ; nested++) {
      const deeper = [...tokens, ...tokenizer.encode('{"label": "", "left": ')];
      if (!follow(grammar, deeper)) {
        expect(nested).toBeGreaterThan(60);
        const text = `${textOf(tokens)}null${', "right": null}'.repeat(nested)}`;
        expect(follow(grammar, tokenizer.encode(text))?.finished).toBe(true);
        return;
      }
      tokens = deeper;
      expect(nested).toBeLessThan(200);
    }
  });

  test('ends only where a value does, and then goes no further', () => {
    const grammar = grammarOfSchema({ type: 'object', properties: { n: { type: 'integer' } } });
    expect(allowed(grammar.mask(grammar.start)).some((id) => STOPS.has(id))).toBe(false);
    const end = follow(grammar, tokenizer.encode('{"n": 12}'))!;
    expect(new Set(allowed(grammar.mask(end)))).toEqual(STOPS);
    expect(end.finished).toBe(true);
    // A number may go on where it could also end.
    const number = grammarOfSchema({ type: 'integer' });
    const after = follow(number, tokenizer.encode('12'))!;
    expect([after.accepting, after.finished]).toEqual([true, false]);
  });

  test('says what must follow, in tokens that follow', () => {
    const grammar = grammarOfSchema({
      type: 'object',
      properties: { name: { type: 'string' }, kind: { const: 'pear' } },
      required: ['name', 'kind'],
    });
    expect(textOf(grammar.forced(grammar.start))).toBe('{"name": "');
    const inside = follow(grammar, tokenizer.encode('{"name": "Ann'))!;
    expect(grammar.forced(inside)).toEqual([]);
    const behind = follow(grammar, tokenizer.encode('{"name": "Ann"'))!;
    expect(textOf(grammar.forced(behind))).toBe(', "kind": "pear"}');
  });
});

test('an object that names no properties on purpose has none', () => {
  for (const schema of [
    { type: 'object', properties: {} },
    { type: 'object', additionalProperties: false },
  ]) {
    expect(textOf(sample(grammarOfSchema(schema), 3, 40))).toBe('{}');
  }
});

test('a pattern without anchors is found anywhere, and nowhere else', () => {
  const grammar = grammarOfSchema({ type: 'string', pattern: 'needle|pin' });
  const ends = (text: string) => follow(grammar, tokenizer.encode(text))?.accepting ?? false;
  for (const text of ['"needle"', '"a \\"needle\\" in hay"', '"néédle, pin"'])
    expect(ends(text)).toBe(true);
  for (const text of ['"need le"', '""', '"hay"']) expect(ends(text)).toBe(false);
});

test('an anchor holds for its alternative alone', () => {
  const grammar = grammarOfSchema({ type: 'string', pattern: '^a|b$' });
  const ends = (text: string) => follow(grammar, tokenizer.encode(text))?.accepting ?? false;
  expect(['"a"', '"axx"', '"xxb"', '"xa"', '"bx"'].map(ends)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

describe('a schema that is not strict', () => {
  test('leaves out what can’t be held, and names it', () => {
    const { expression, unenforced } = schemaGrammar(
      {
        type: 'object',
        properties: {
          tags: { type: 'array', items: { type: 'string' }, uniqueItems: true },
          odd: { type: 'number', multipleOf: 0.3, not: { const: 1 } },
          word: { type: 'string', pattern: '^(?!x)' },
        },
        required: ['tags', 'odd', 'word'],
        minProperties: 2,
      },
      ['schema'],
      false,
    );
    expect(unenforced.map((path) => path.join('.'))).toEqual([
      'schema.minProperties',
      'schema.properties.tags.uniqueItems',
      'schema.properties.odd.not',
      'schema.properties.odd.multipleOf',
      'schema.properties.word.pattern',
    ]);
    const value = JSON.parse(textOf(sample(grammarOf(expression), 1, 40)));
    expect(Object.keys(value)).toEqual(['tags', 'odd', 'word']);
  });

  test('is refused all the same where it is malformed', () => {
    for (const schema of [{ type: 'money' }, { type: 'string', minLength: 'x' }, { anyOf: [] }]) {
      expect(() => schemaGrammar(schema, ['schema'], false)).toThrow(GrammarRefused);
    }
  });
});

describe('any JSON object', () => {
  const grammar = grammarOf(anyValue(FREE).object);

  test('is all that is let through', () => {
    for (let seed = 0; seed < 40; seed++) {
      const value = JSON.parse(textOf(sample(grammar, seed, 80)));
      expect(typeof value === 'object' && value !== null && !Array.isArray(value)).toBe(true);
    }
  });

  test('is let through, indented or on one line', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 4 })),
        fc.constantFrom(0, 2, 4),
        (value, indent) => {
          // Numbers with more digits than a text may have are another matter.
          const plain = JSON.stringify(value, (_, inner) =>
            typeof inner === 'number' ? Math.round(inner) % 1e9 : inner,
          );
          const text = JSON.stringify(JSON.parse(plain), null, indent);
          expect(follow(grammar, tokenizer.encode(text))?.finished, text).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });
});

function byteToken(byte: number): number {
  const id = tokenizer.tokenizer.token_to_id(BYTE_LEVEL[byte]!);
  if (id === undefined) throw new Error(`no token for byte ${byte}`);
  return id;
}

/** GPT-2's spelling of bytes, from the vocabulary's side: single characters in the order of their bytes. */
const BYTE_LEVEL = Array.from({ length: 256 }, (_, byte) => {
  const printable = (value: number) =>
    (value >= 0x21 && value <= 0x7e) || (value >= 0xa1 && value !== 0xad);
  if (printable(byte)) return String.fromCharCode(byte);
  const before = Array.from({ length: byte }, (_, value) => value).filter((v) => !printable(v));
  return String.fromCharCode(0x100 + before.length);
});
