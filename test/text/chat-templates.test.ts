/**
 * Prompts are what transformers makes: the ids of twenty conversations in the forms of
 * twelve families equal `apply_chat_template`'s (fixtures/make_chats.py). Real tokenizers
 * are tried where ESPALIER_TEST_TOKENIZERS names a folder that has them, public templates
 * (fixtures/make_public_chats.py) where ESPALIER_TEST_TEMPLATES does.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test, vi } from 'vitest';
import { composePrompt } from '../../src/generate/prompt.ts';
import { PromptLayout } from '../../src/generate/prompt-layout.ts';
import type { ChatMessage } from '../../src/model/chat-template.ts';
import { createTokenizer, type ModelTokenizer } from '../../src/model/tokenizer.ts';

interface Family {
  kind: string;
  bos: string | null;
  eos: string;
  special: string[];
  added: string[];
}

const text = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const fixture = (name: string) => JSON.parse(text(`./fixtures/${name}.json`));
const conversations: ChatMessage[][] = fixture('conversations');
const families: Record<string, Family> = fixture('chat-families');
const ids: {
  families: Record<string, string[]>;
  real: Record<string, Record<string, string[]>>;
} = fixture('chat-ids');
/** Texts are their publishers': of each only its SHA-256 is here. */
const published: Record<string, { from: string; family: string; sha256: string; ids: string[] }> =
  fixture('public-templates');
/** The day of make_public_chats.py: some templates write the date. */
const NOW = new Date(2026, 10, 30);
const templateOf = (family: string) => text(`./templates/${family}.jinja`);

function tokenizerOf(name: string, chat_template = templateOf(name)): ModelTokenizer {
  const { kind, bos, eos, special, added } = families[name]!;
  const json = fixture(`chat-tokenizers/${kind}`);
  const { vocab } = json.model;
  let next = Object.keys(vocab).length;
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const token = (content: string, isSpecial: boolean) => ({
    id: vocab[content] ?? next++,
    content,
    ...plain,
    special: isSpecial,
  });
  const added_tokens = [
    ...special.map((content) => token(content, true)),
    ...added.map((content) => token(content, false)),
  ];
  const config = { bos_token: bos, eos_token: eos, chat_template };
  return createTokenizer({ ...json, added_tokens }, config);
}

const ROOM = { comfortable: 4096, most: 4096 };

async function idsOf(tokenizer: ModelTokenizer, messages: readonly ChatMessage[]) {
  const model = { ...tokenizer, prompt: { instruction: '', passageHeader: '' } };
  const layout = await PromptLayout.of(model, { messages }, ROOM.most);
  return (await composePrompt(layout, [], [], ROOM)).tokens;
}

/** As make_chats.py keeps ids. */
async function digest(tokenizer: ModelTokenizer, messages: readonly ChatMessage[]) {
  const tokens = await idsOf(tokenizer, messages);
  const bytes = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
  return createHash('sha256').update(bytes).digest('hex').slice(0, 8);
}

async function expectIds(tokenizer: ModelTokenizer, expected: readonly string[]) {
  const ours = await Promise.all(conversations.map((one) => digest(tokenizer, one)));
  const differing = ours.flatMap((one, i) => (one === expected[i] ? [] : [conversations[i]]));
  expect(differing).toEqual([]);
  expect(ours).toHaveLength(20);
}

describe('ids of twenty conversations equal those of transformers', () => {
  it.each(Object.keys(families))('in the form of %s', async (name) => {
    await expectIds(tokenizerOf(name), ids.families[name]!);
  });

  const cases = Object.entries(ids.real).flatMap(([model, byTemplate]) =>
    Object.entries(byTemplate).map(([template, expected]) => ({ model, template, expected })),
  );
  for (const { model, template, expected } of cases) {
    const folder = join(process.env.ESPALIER_TEST_TOKENIZERS || 'none', model);
    const isThere = existsSync(join(folder, 'tokenizer.json'));
    const title = `with the tokenizer of ${model}, template ${template}`;
    it.skipIf(!isThere)(isThere ? title : `${title} (skipped: no tokenizer)`, async () => {
      const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
      const own = template === 'own' ? {} : { chat_template: templateOf(template) };
      const config = { ...read('tokenizer_config.json'), ...own };
      await expectIds(createTokenizer(read('tokenizer.json'), config), expected);
    });
  }

  for (const [name, { family, sha256, ids: expected }] of Object.entries(published)) {
    const file = join(process.env.ESPALIER_TEST_TEMPLATES || 'none', `${name}.jinja`);
    const isThere = existsSync(file);
    const title = `in the public template ${name}`;
    it.skipIf(!isThere)(isThere ? title : `${title} (skipped: no template)`, async () => {
      vi.useFakeTimers({ now: NOW, toFake: ['Date'] });
      onTestFinished(() => void vi.useRealTimers());
      const template = readFileSync(file);
      expect(createHash('sha256').update(template).digest('hex')).toBe(sha256);
      await expectIds(tokenizerOf(family, template.toString('utf8')), expected);
    });
  }
});

const SYSTEM_AND_QUESTION: ChatMessage[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Why?' },
];

test('a turn of the system that a template refuses is said at the beginning of the user’s', () => {
  const rendered = tokenizerOf('gemma').renderChat(SYSTEM_AND_QUESTION);
  expect(rendered).toContain('<start_of_turn>user\nBe brief.\n\nWhy?<end_of_turn>');
});

test.each([
  ["'' != false", true],
  ["'' == 0", false],
  ["'1' == 1", false],
  ['1 == true', true],
  ["messages[0].content == 'x'", true],
  ["messages[0] == messages[-1] and not (messages[0].role != 'user')", true],
  ["{'a': 1 == 2}.a", false],
  ['[] == []', true],
  ['messages == [] or [] != []', false],
  ["[1, {'a': [true]}] == [1.0, {'a': [1]}]", true],
  ["[1, 2] == [1] or [1] == [2] or [''] == [false] or [] == {}", false],
  ["messages == [{'content': 'x', 'role': 'user'}]", true],
  ["{'a': 1} == {'b': 1} or {'a': 1} == {'a': 1, 'b': 1} or {'a': 1} == {'a': 2}", false],
  ["messages[0] in messages and {'role': 'user', 'content': 'x'} in messages", true],
  ["'' in [false] or 2 in [1] or none in [false]", false],
  ["[] not in [1] and 1 in [true] and none in [none] and 'x' not in nothing", true],
  ["'oo' in 'foo' and 'of' not in 'foo' and 'role' in messages[0] and 1 not in messages[0]", true],
])('a template compares as Python does: %s', (expression, expected) => {
  const { renderChat } = createTokenizer(fixture('chat-tokenizers/byte-level'), {
    chat_template: `{{ 'yes' if ${expression} else 'no' }}`,
  });
  expect(renderChat([{ role: 'user', content: 'x' }])).toBe(expected ? 'yes' : 'no');
});

test('a template that looks for a number in a text is refused, as by Python', () => {
  const { renderChat } = createTokenizer(fixture('chat-tokenizers/byte-level'), {
    chat_template: "{{ 1 in 'x1' }}",
  });
  expect(() => renderChat([{ role: 'user', content: 'x' }])).toThrow(/"in" looks for a text/);
});

test('so is one that a template leaves out', () => {
  const template =
    '{% for turn in messages if turn.role == "user" %}{{ turn.content }}{% endfor %}';
  const silent = createTokenizer(fixture('chat-tokenizers/byte-level'), {
    chat_template: template,
  });
  expect(silent.renderChat(SYSTEM_AND_QUESTION)).toBe('Be brief.\n\nWhy?');
});

test('what a template refuses otherwise is reported in its own words', () => {
  const question: ChatMessage = { role: 'user', content: 'x' };
  const refused = () => tokenizerOf('llama2').renderChat([question, question]);
  expect(refused).toThrow(/chat template refuses these messages: user and assistant take turns/);
});

test('a user writes no turn marker and no mark of a passage, in any family', async () => {
  for (const [name, { special }] of Object.entries(families)) {
    const tokenizer = tokenizerOf(name);
    const specialIds = special.map((content) => tokenizer.tokenizer.token_to_id(content)!);
    const count = async (content: string) => {
      const tokens = await idsOf(tokenizer, [{ role: 'user', content }]);
      return tokens.filter((id) => specialIds.includes(id)).length;
    };
    const hostile = `x${special.join('')}\u{f0000}0\u{f0000}${special.join(' ')}x`;
    expect(await count(hostile), name).toBe(await count('x'));
  }
});

test('a passage goes on inside of a text: without what SentencePiece puts before one', async () => {
  const tokenizer = tokenizerOf('llama2');
  const model = { ...tokenizer, prompt: { instruction: 'Quote.', passageHeader: '[{n}] {title}' } };
  const messages: ChatMessage[] = [{ role: 'user', content: 'Why?' }];
  const passage = { title: 'T', heading: '', tokens: tokenizer.encodeUntrusted('the passage') };
  const layout = await PromptLayout.of(model, { messages }, ROOM.most);
  const { tokens, regions } = await composePrompt(layout, [passage], [], ROOM);
  const whole = '<s>[INST] <<SYS>>\nQuote.\n\n[1] T\nthe passage\n<</SYS>>\n\nWhy? [/INST]';
  expect([...tokens]).toEqual([...tokenizer.encode(whole)]);
  const { start, end } = regions[0]!;
  expect([...tokens.subarray(start, end)]).toEqual([...passage.tokens]);
});
