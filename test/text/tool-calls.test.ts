/** Calls in streamed answers, as models of the Qwen, Hermes, Llama and Mistral families write them, and what only looks so. */
import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { PythonicReader } from '../../src/generate/pythonic-calls.ts';
import { type CallEvent, ToolCalls } from '../../src/generate/tool-calls.ts';

interface Found {
  text: string;
  calls: { name: string; arguments: string }[];
}

function gathered(events: readonly CallEvent[]): Found {
  const found: Found = { text: '', calls: [] };
  for (const event of events) {
    if (event.type === 'text') found.text += event.text;
    else if (event.type === 'call') {
      expect(event.index).toBe(found.calls.length);
      found.calls.push({ name: event.name, arguments: '' });
    } else found.calls[event.index]!.arguments += event.text;
  }
  return found;
}

function read(pieces: readonly string[]): Found {
  const calls = new ToolCalls(OFFERED);
  return gathered([...pieces.flatMap((piece) => calls.push(piece)), ...calls.flush()]);
}

const OFFERED = new Set(['a', 'b', 'get_weather']);

const ANSWERS: [string, string, Found][] = [
  ['text alone', 'No call, <b>none</b>.', { text: 'No call, <b>none</b>.', calls: [] }],
  [
    'Qwen 2.5: text, then a call',
    'Let me look.\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": [1, 2]}}\n</tool_call>',
    {
      text: 'Let me look.\n',
      calls: [{ name: 'get_weather', arguments: '{"city": "Paris", "days": [1, 2]}' }],
    },
  ],
  [
    'two calls',
    '<tool_call>\n{"name": "a", "arguments": {}}\n</tool_call>\n<tool_call>\n{"name": "b", "arguments": {"x": {"y": "}"}}}\n</tool_call>\n',
    {
      text: '',
      calls: [
        { name: 'a', arguments: '{}' },
        { name: 'b', arguments: '{"x": {"y": "}"}}' },
      ],
    },
  ],
  [
    'Hermes 2: on one line, with quotes and brackets in strings',
    '<tool_call>{"name":"say","arguments":{"text":"a \\"quoted\\" } and <tool_call> \\\\"}}</tool_call>',
    {
      text: '',
      calls: [{ name: 'say', arguments: '{"text":"a \\"quoted\\" } and <tool_call> \\\\"}' }],
    },
  ],
  [
    'arguments before the name',
    '<tool_call>\n{"arguments": {"n": 1}, "name": "count"}\n</tool_call>',
    { text: '', calls: [{ name: 'count', arguments: '{"n":1}' }] },
  ],
  [
    'arguments as a string',
    '<tool_call>\n{"name": "count", "arguments": "{\\"n\\": 1}"}\n</tool_call>',
    { text: '', calls: [{ name: 'count', arguments: '{"n": 1}' }] },
  ],
  [
    'text behind a call',
    '<tool_call>\n{"name": "a", "arguments": {}}\n</tool_call>\nDone.',
    { text: '\nDone.', calls: [{ name: 'a', arguments: '{}' }] },
  ],
  [
    'no JSON between the marks',
    '<tool_call>\nget_weather(Paris)\n</tool_call>',
    { text: '<tool_call>\nget_weather(Paris)\n</tool_call>', calls: [] },
  ],
  [
    'cut in its arguments',
    '<tool_call>\n{"name": "a", "arguments": {"city": "Pa',
    { text: '', calls: [{ name: 'a', arguments: '{"city": "Pa' }] },
  ],
  ['cut before them', 'Hm <tool_call>\n{"na', { text: 'Hm <tool_call>\n{"na', calls: [] }],
  ['cut in the mark', 'Hm <tool_c', { text: 'Hm <tool_c', calls: [] }],
  [
    'Qwen2.5-Coder: bare JSON',
    '{\n  "name": "get_weather",\n  "arguments": {\n    "city": "Paris"\n  }\n}',
    { text: '', calls: [{ name: 'get_weather', arguments: '{\n    "city": "Paris"\n  }' }] },
  ],
  [
    'Qwen2.5-Coder: in a fence',
    '```json\n{"name": "a", "arguments": {"x": "```"}}\n```',
    { text: '', calls: [{ name: 'a', arguments: '{"x": "```"}' }] },
  ],
  [
    'Llama 3: parameters',
    '{"name": "a", "parameters": {"x": "1"}}',
    { text: '', calls: [{ name: 'a', arguments: '{"x": "1"}' }] },
  ],
  [
    'Llama 3.1: a type, several behind each other',
    '<|python_tag|>{"type": "function", "name": "a", "parameters": {}}; {"name": "b", "parameters": {"x": 1}}',
    {
      text: '',
      calls: [
        { name: 'a', arguments: '{}' },
        { name: 'b', arguments: '{"x": 1}' },
      ],
    },
  ],
  [
    'Mistral: a list, with what follows the arguments',
    '[TOOL_CALLS] [{"name": "a", "arguments": {"x": [1]}, "id": "VvvODy9mT"}, {"name": "b", "arguments": {}}]',
    {
      text: '',
      calls: [
        { name: 'a', arguments: '{"x": [1]}' },
        { name: 'b', arguments: '{}' },
      ],
    },
  ],
  [
    'Mistral: its token is not decoded',
    ' [{"name": "b", "arguments": {}}]',
    { text: '', calls: [{ name: 'b', arguments: '{}' }] },
  ],
  [
    'bare JSON, then text',
    '{"name": "a", "arguments": {}}\nDone.',
    { text: '\nDone.', calls: [{ name: 'a', arguments: '{}' }] },
  ],
  [
    'bare JSON of a function that nobody offered',
    '{"name": "rm", "arguments": {"path": "/"}}',
    { text: '{"name": "rm", "arguments": {"path": "/"}}', calls: [] },
  ],
  [
    'JSON that is no call',
    '{"names": ["a"], "arguments": {}}',
    { text: '{"names": ["a"], "arguments": {}}', calls: [] },
  ],
  ['a list that is no call', '[1, 2, {"name": "a"}]', { text: '[1, 2, {"name": "a"}]', calls: [] }],
  ['code in a fence', '```json5\n{}\n```', { text: '```json5\n{}\n```', calls: [] }],
  [
    'bare JSON behind text, which explains how to call',
    'Like so: {"name": "a", "arguments": {}}',
    { text: 'Like so: {"name": "a", "arguments": {}}', calls: [] },
  ],
  [
    'bare JSON that is cut before its arguments',
    '{"name": "a", "ar',
    { text: '{"name": "a", "ar', calls: [] },
  ],
  [
    'a name that never ends',
    `{"name": "${'x'.repeat(100)}`,
    { text: `{"name": "${'x'.repeat(100)}`, calls: [] },
  ],
  [
    'Mistral, later: name and arguments apart, several behind each other',
    '[TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}[TOOL_CALLS]b[ARGS]{}',
    {
      text: '',
      calls: [
        { name: 'get_weather', arguments: '{"city": "Paris"}' },
        { name: 'b', arguments: '{}' },
      ],
    },
  ],
  [
    'Mistral, later: without the second mark, and with an id',
    '[TOOL_CALLS]a{"x": "[TOOL_CALLS]b{}"}[TOOL_CALLS]b[CALL_ID]D681PevKs[ARGS]{"y": 1}',
    {
      text: '',
      calls: [
        { name: 'a', arguments: '{"x": "[TOOL_CALLS]b{}"}' },
        { name: 'b', arguments: '{"y": 1}' },
      ],
    },
  ],
  [
    'Mistral, later: its tokens are not decoded',
    'get_weather{"city": "Paris"}b{}',
    {
      text: '',
      calls: [
        { name: 'get_weather', arguments: '{"city": "Paris"}' },
        { name: 'b', arguments: '{}' },
      ],
    },
  ],
  [
    'Mistral: text, then a call',
    'I look.[TOOL_CALLS]a[ARGS]{"x": 1}',
    { text: 'I look.', calls: [{ name: 'a', arguments: '{"x": 1}' }] },
  ],
  [
    'Mistral: text, then a list',
    'I look. [TOOL_CALLS] [{"name": "a", "arguments": {}}]',
    { text: 'I look. ', calls: [{ name: 'a', arguments: '{}' }] },
  ],
  [
    'Llama 3.1: functions by name, closed and not',
    '<function=a>{"x": "</function>"}</function>\n<function=b>{"y": {}}',
    {
      text: '',
      calls: [
        { name: 'a', arguments: '{"x": "</function>"}' },
        { name: 'b', arguments: '{"y": {}}' },
      ],
    },
  ],
  [
    'Llama 3.1: a function by name behind its token, then text',
    '<|python_tag|><function=a>{}</function>\nDone.',
    { text: '\nDone.', calls: [{ name: 'a', arguments: '{}' }] },
  ],
  [
    'Llama 3.2: in Python’s form',
    `[get_weather(city="Paris", days=[1, 2.5, -3e2], exact=True, unit=None), a(), b(x={'y': 'it\\'s "so"\\n]'},)]`,
    {
      text: '',
      calls: [
        {
          name: 'get_weather',
          arguments: '{"city": "Paris", "days": [1, 2.5, -3e2], "exact": true, "unit": null}',
        },
        { name: 'a', arguments: '{}' },
        { name: 'b', arguments: '{"x": {"y": "it\'s \\"so\\"\\n]"}}' },
      ],
    },
  ],
  [
    'Llama 3.2: in Python’s form behind its token',
    '<|python_tag|>[a(x="\\u00e9")]',
    { text: '', calls: [{ name: 'a', arguments: '{"x": "é"}' }] },
  ],
  [
    'in a fence without a language, two of them',
    '```\n{"name": "a", "arguments": {}}\n```\n```json\n{"name": "b", "arguments": {"x": 1}}\n```\n',
    {
      text: '',
      calls: [
        { name: 'a', arguments: '{}' },
        { name: 'b', arguments: '{"x": 1}' },
      ],
    },
  ],
  [
    'in a fence, then text with another one',
    '```json\n{"name": "a", "arguments": {}}\n```\nLike:\n```\n{"name": "b", "arguments": {}}\n```',
    {
      text: '\nLike:\n```\n{"name": "b", "arguments": {}}\n```',
      calls: [{ name: 'a', arguments: '{}' }],
    },
  ],
  [
    'Qwen2.5-Coder: between marks of tools',
    '<tools>\n{"name": "a", "arguments": {"x": "</tools>"}}\n{"name": "b", "arguments": {}}\n</tools>\n',
    {
      text: '',
      calls: [
        { name: 'a', arguments: '{"x": "</tools>"}' },
        { name: 'b', arguments: '{}' },
      ],
    },
  ],
  [
    'Qwen2.5-Coder: marks of tools around each, and cut in the last',
    '<tools>{"name": "a", "arguments": {}}</tools>\n<tools>[{"name": "b", "arguments": {}}]</too',
    {
      text: '',
      calls: [
        { name: 'a', arguments: '{}' },
        { name: 'b', arguments: '{}' },
      ],
    },
  ],
  ...[
    // What only looks like a call.
    '<tools>\n{"type": "function", "function": {"name": "a", "parameters": {}}}\n</tools>',
    '<tools>\n{"name": "a", "description": "A tool"}\n</tools>',
    '<tools>{"name": "rm", "arguments": {}}</tools>',
    'The form is <function=a>{"x": 1}</function>.',
    '<function=rm>{"path": "/"}</function>',
    '<function=a>(1)</function>',
    '<function name="a">{}</function>',
    '[a(1)]',
    '[a(x) for x in range(3)]',
    '[a(x=1), rm(path="/")]',
    '[a(x=1), 2]',
    '[a(x=y)]',
    // What an object has of its prototype.
    '[a(x=constructor)]',
    '[a(x=valueOf, y=1)]',
    '[a(x=[toString])]',
    '[a(x={"y": __proto__})]',
    '[a(x=1 + 2)]',
    '[a(x=f"{b}")]',
    '[a(x=1, x=2)]',
    '[a(x=01)]',
    '[a(x="\\xg0")]',
    '[a(x="one" "two")]',
    '[a](https://example.com)',
    '[a(x="never closed',
    `[a(x=${'['.repeat(40)}${']'.repeat(40)})]`,
    '[]',
    '[TOOL_CALLS]',
    '[TOOL_CALLS] means that calls follow, as in a{}',
    '[TOOL_CALLS]rm[ARGS]{"path": "/"}',
    'Write [TOOL_CALLS] [TOOL_CALLS] twice',
    'a {x} is a set',
    'a{b}',
    'get_weather{city}',
    'get_weather["city"]',
    'get_weather[ARGS] {city}',
    'get_weather(city="Paris")',
    'Call it: get_weather{"city": "Paris"}',
    '```python\n[a(x=1)]\n```',
    '```\nrm{"x": 1}\n```',
    '```js\na({"x": 1})\n```',
    '``{"name": "a", "arguments": {}}``',
  ].map((text): [string, string, Found] => [
    `text: ${text.slice(0, 60)}`,
    text,
    { text, calls: [] },
  ]),
];

describe.each(ANSWERS)('%s', (_, answer, expected) => {
  test('whole, and character by character', () => {
    expect(read([answer])).toEqual(expected);
    expect(read([...answer])).toEqual(expected);
  });

  test('in any pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(answer.length), { maxLength: 12 }), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), answer.length];
        const pieces = places.slice(1).map((to, i) => answer.slice(places[i], to));
        expect(read(pieces)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });
});

test('arguments go out as they come', () => {
  const calls = new ToolCalls(OFFERED);
  expect(calls.push('<tool_call>\n{"name": "a", "arguments": {"x": "one')).toEqual([
    { type: 'call', index: 0, name: 'a' },
    { type: 'arguments', index: 0, text: '{"x": "one' },
  ]);
  expect(calls.push(' two"}')).toEqual([{ type: 'arguments', index: 0, text: ' two"}' }]);
});

test('arguments in Python’s form go out with the list’s end, those of a named call as they come', () => {
  const list = new ToolCalls(OFFERED);
  expect(list.push('[a(x="one"), b(y=1)')).toEqual([]);
  expect(gathered(list.push(']')).calls.map(({ name }) => name)).toEqual(['a', 'b']);
  const named = new ToolCalls(OFFERED);
  expect(named.push('[TOOL_CALLS]a[ARGS]{"x": "o')).toEqual([
    { type: 'call', index: 0, name: 'a' },
    { type: 'arguments', index: 0, text: '{"x": "o' },
  ]);
});

test('text that begins as a call might is let go once it can’t be one', () => {
  for (const text of [
    '[Note',
    '[Espal',
    '[ab',
    '[a(x=1), Es',
    'get_weather is',
    '```js\n',
    '<function-',
    '[a(x) ',
    'ax',
  ]) {
    expect(gathered(new ToolCalls(OFFERED).push(text)).text).toBe(text);
  }
});

describe('many pieces', () => {
  const PIECES = 8_000;

  test('a list in Python’s form that does not end is read once', () => {
    const read = vi.spyOn(PythonicReader.prototype, 'push');
    const calls = new ToolCalls(OFFERED);
    const answer = ['[a(x="', ...Array.from({ length: PIECES }, () => 'word ')];
    expect(answer.flatMap((piece) => calls.push(piece))).toEqual([]);
    expect(read.mock.calls.map(([text]) => text).join('')).toBe(answer.join(''));
    read.mockRestore();
    expect(gathered(calls.push('")] Done.'))).toEqual({
      text: ' Done.',
      calls: [
        { name: 'a', arguments: JSON.stringify({ x: 'word '.repeat(PIECES) }).replace(':', ': ') },
      ],
    });
  });

  test.each(['[a(x="', '[a(x='])('of which nothing is lost where it was no call: %s', (begin) => {
    const answer = [begin, ...Array.from({ length: PIECES }, () => '1'), ' or'];
    expect(read(answer)).toEqual({ text: answer.join(''), calls: [] });
  });

  test.each(['', '{', '[', '<tools>'])(
    'white space is let go where a call may begin: %j',
    (begin) => {
      const calls = new ToolCalls(OFFERED);
      const events = [begin, ...Array.from({ length: PIECES }, () => ' ')].flatMap((piece) =>
        calls.push(piece),
      );
      expect(gathered(events).text).toBe(begin + ' '.repeat(PIECES));
    },
  );
});
