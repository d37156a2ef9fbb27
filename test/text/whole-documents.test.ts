/** A prompt with documents whole says where in it the parts that match the question are. */
import { expect, test } from 'vitest';
import { composeWhole, PromptTooLong } from '../../src/generate/prompt.ts';
import { PromptLayout } from '../../src/generate/prompt-layout.ts';

const codes = (text: string) => Int32Array.from(text, (character) => character.codePointAt(0)!);

/** A token a character, and each message under its role. */
const model = {
  encodeRendered: async (text: string) => codes(text),
  neutralise: (text: string) => text,
  renderChat: (messages: readonly { role: string; content: string }[]) =>
    messages.map(({ role, content }) => `<${role}>${content}`).join(''),
  prompt: { instruction: 'Answer from these.', passageHeader: '[{n}] {title}' },
};

const part = (text: string, matches = false) => ({ tokens: codes(text), matches });
const documents = [
  { title: 'one', parts: [part('aaaa'), part('bbb', true), part('cc')] },
  { title: 'two', parts: [part('ddd'), part('eeee', true), part('ff', true)] },
];

test('excerpts are the parts that match, where they are in the prompt', async () => {
  const layout = await PromptLayout.of(
    model,
    { messages: [{ role: 'user', content: 'Why?' }] },
    400,
  );
  const { tokens, regions, excerpts } = await composeWhole(layout, documents, [], 400);
  const told = (start: number, end: number) => String.fromCodePoint(...tokens.slice(start, end));
  expect(regions.map(({ start, end }) => told(start, end))).toEqual(['aaaabbbcc', 'dddeeeeff']);
  expect(excerpts.map(({ start, end }) => told(start, end))).toEqual(['bbb', 'eeee', 'ff']);
  await expect(composeWhole(layout, documents, [], 40)).rejects.toThrow(PromptTooLong);
});
