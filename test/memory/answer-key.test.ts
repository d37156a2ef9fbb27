/** By what an answer is known again in the conversation that it is sent back in. */
import { describe, expect, test } from 'vitest';
import { saidMessage } from '../../src/generate/said-message.ts';
import type { GrammarSetting } from '../../src/link/protocol/index.ts';
import { answerKey, quotedKeys } from '../../src/memory/turn/answer-key.ts';
import type { ChatMessage } from '../../src/model/chat-template.ts';

const user = (content: string): ChatMessage => ({ role: 'user', content });
const said = (content: string, more: Partial<ChatMessage> = {}): ChatMessage => ({
  role: 'assistant',
  content,
  ...more,
});
const call = (name: string, json: string) => ({
  id: 'call_1',
  function: { name, arguments: json },
});

const LONG = 'The lantern rule is that whoever meets the keeper must wait.';
const RING: GrammarSetting = {
  kind: 'calls',
  begin: '<tool_call>\n',
  end: '\n</tool_call>',
  functions: [{ name: 'ring', parameters: {}, strict: false }],
  free: true,
  many: true,
};

describe('an answer', () => {
  test.each([
    ['of some length', user('Why?'), said(`${LONG}\n`), [user('Why?'), said(LONG)]],
    ['that is short', user('Is it?'), said('Yes.'), [user('Is it? '), said(' Yes.')]],
    [
      'that calls',
      user('Ring it.'),
      saidMessage(
        'I ring.\n<tool_call>\n{"name": "ring", "arguments": {"at": 3}}\n</tool_call>',
        RING,
      ),
      [user('Ring it.'), said('I ring.', { tool_calls: [call('ring', '{"at":3}')] })],
    ],
  ])('%s is known when it comes back as clients write it', async (_, asked, answer, later) => {
    expect(await quotedKeys([...later, user('And then?')])).toEqual([
      await answerKey(answer, asked),
    ]);
  });

  test('is another one with other words or calls, and where it is short to another question', async () => {
    const calls = [call('ring', '{"at": 3}')];
    const keys = await Promise.all([
      answerKey(said(LONG), user('Why?')),
      answerKey(said(`${LONG} Really.`), user('Why?')),
      answerKey(said(LONG, { tool_calls: calls }), user('Why?')),
      answerKey(said('Yes.'), user('Why?')),
      answerKey(said('Yes.'), user('Is it?')),
      answerKey(said('', { tool_calls: calls }), user('Why?')),
      answerKey(said('', { tool_calls: [call('ring', '{"at": 4}')] }), user('Why?')),
      answerKey(said('', { tool_calls: [...calls, ...calls] }), user('Why?')),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

test('what an assistant says is quoted, all of it; an empty message has nothing to quote', async () => {
  const assistant = [
    said('No.'),
    said(LONG),
    said('', { reasoning_content: LONG }),
    said('', { tool_calls: [call('ring', LONG)] }),
  ];
  const conversation = [user('a'), said(''), user('b'), said(' \n'), ...assistant, user('c')];
  expect(await quotedKeys(conversation)).toHaveLength(assistant.length);
});
