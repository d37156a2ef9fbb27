/** What a trace tells of steps: tokens with their sources, and how far a long prompt has been read before them. */
import { expect, test } from 'vitest';
import { traceOf } from '../../src/api/chat/trace.ts';
import type { Step } from '../../src/generate/text-stream.ts';

const NOTHING: Step = { pieces: [], logprobs: [], tokens: 0, drafted: 0, micros: 0 };

test('while the prompt is read: how much of it, and no step', () => {
  const promptRead = { tokens: 512, of: 2_000 };
  expect(traceOf([{ ...NOTHING, promptRead }])).toEqual({
    prompt_read: promptRead,
    tokens: [],
    steps: [],
  });
});

test('of all steps: nothing of what was read before them', () => {
  const step: Step = {
    ...NOTHING,
    thoughts: [{ text: 'hm', source: 'target', tokens: 1 }],
    pieces: [{ text: 'Yes.', source: 'passage', tokens: 1 }],
    ...{ tokens: 2, drafted: 8, micros: 9 },
  };
  expect(traceOf([{ ...NOTHING, promptRead: { tokens: 512, of: 2_000 } }, step])).toEqual({
    tokens: [
      { text: 'hm', source: 'target', thought: true },
      { text: 'Yes.', source: 'passage' },
    ],
    steps: [{ accepted: 2, drafted: 8, micros: 9 }],
  });
});
