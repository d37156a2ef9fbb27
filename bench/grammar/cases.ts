/** Schemas of the sizes that applications send, and documents under each. */

export interface Case {
  name: string;
  schema: object;
  /** In the spelling that a grammar lets through. */
  documents: readonly string[];
}

const text = { type: 'string' };

/** Python's spelling of JSON: one line, a space behind commas and colons. */
function spelled(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spelled).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, one]) => `${JSON.stringify(key)}: ${spelled(one)}`,
  );
  return `{${members.join(', ')}}`;
}

function closed(properties: Record<string, object>): object {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

export const CASES: readonly Case[] = [
  {
    name: 'a tool call',
    schema: closed({
      name: { const: 'search_documents' },
      arguments: closed({ query: text, max_results: { type: 'integer', minimum: 1, maximum: 50 } }),
    }),
    documents: [
      ['how are pears pruned in winter', 5],
      ['reading window of the link', 10],
      ['cost of a step by nodes', 3],
    ].map(([query, max_results]) =>
      spelled({ name: 'search_documents', arguments: { query, max_results } }),
    ),
  },
  {
    name: 'a record with enums and bounds',
    schema: closed({
      title: { type: 'string', maxLength: 60 },
      category: { enum: ['question', 'defect', 'wish', 'praise'] },
      severity: { type: 'integer', minimum: 1, maximum: 5 },
      needs_reply: { type: 'boolean' },
      summary: { type: 'string', maxLength: 200 },
    }),
    documents: [
      [
        'The page stays empty',
        'defect',
        4,
        true,
        'After signing in the page shows nothing until it is loaded again.',
      ],
      [
        'Export as a table',
        'wish',
        2,
        false,
        'Answers with numbers should be exported as a table.',
      ],
      [
        'Fast answers',
        'praise',
        1,
        false,
        'The answers come faster than with the service used before.',
      ],
      [
        'How are keys changed?',
        'question',
        2,
        true,
        'Wants to know how a key is replaced without an interruption.',
      ],
    ].map(([title, category, severity, needs_reply, summary]) =>
      spelled({ title, category, severity, needs_reply, summary }),
    ),
  },
  {
    name: 'a list of nested objects',
    schema: closed({
      steps: {
        type: 'array',
        minItems: 1,
        items: closed({
          explanation: text,
          output: text,
          confidence: { type: 'number', minimum: 0, maximum: 1 },
        }),
      },
      final_answer: text,
    }),
    documents: [
      [
        ['Add 7 to both sides.', '8x = -30', 0.95],
        ['Divide both sides by 8.', 'x = -30 / 8', 0.9],
        ['Simplify the fraction.', 'x = -15 / 4', 0.99],
      ],
      [
        ['Expand the brackets.', '2x + 6 = 14', 0.97],
        ['Subtract 6 from both sides.', '2x = 8', 0.98],
      ],
    ].map((steps) =>
      spelled({
        steps: steps.map(([explanation, output, confidence]) => ({
          explanation,
          output,
          confidence,
        })),
        final_answer: steps.at(-1)![1],
      }),
    ),
  },
];
