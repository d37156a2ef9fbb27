/** Calls in streamed answers, as models of the Qwen and Hermes families write them. */
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
  const calls = new ToolCalls();
  return gathered([...pieces.flatMap((piece) => calls.push(piece)), ...calls.flush()]);
}

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
  const calls = new ToolCalls();
  expect(calls.push('<tool_call>\n{"name": "a", "arguments": {"x": "one')).toEqual([
    { type: 'call', index: 0, name: 'a' },
    { type: 'arguments', index: 0, text: '{"x": "one' },
  ]);
  expect(calls.push(' two"}')).toEqual([{ type: 'arguments', index: 0, text: ' two"}' }]);
});
