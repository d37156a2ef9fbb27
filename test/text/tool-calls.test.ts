/** Calls in streamed answers, as models of the Qwen, Hermes, Llama and Mistral families write them. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
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
