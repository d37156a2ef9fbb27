/** A model whose chat template cannot be read still continues text. */
import { expect, it } from 'vitest';
import { ChatTemplate, NoChatTemplate } from '../../src/model/chat-template.ts';

const MESSAGES = [{ role: 'user', content: 'hi' }];

const BROKEN: [string, unknown][] = [
  ['a template', '{% if'],
  ['a named template', [{ name: 'default', template: '{{ messages' }]],
];

it.each(BROKEN)('%s that is cut short refuses chats alone', (_, chat_template) => {
  const template = new ChatTemplate({ chat_template });
  expect(template.unreadable).not.toBeNull();
  expect(() => template.render(MESSAGES)).toThrow(NoChatTemplate);
  expect(() => template.render(MESSAGES)).toThrow(
    /no chat template that can be read \(.+\): it continues text, at \/v1\/completions/,
  );
});

it('none at all is said to be none', () => {
  expect(new ChatTemplate({}).unreadable).toBeNull();
  expect(() => new ChatTemplate({}).render(MESSAGES)).toThrow(/no chat template: it continues/);
});
