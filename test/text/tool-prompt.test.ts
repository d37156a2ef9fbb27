/** Functions and calls are rendered by the chat template: nothing in them passes for a content's place. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { composePrompt } from '../../src/generate/prompt.ts';
import { PromptLayout } from '../../src/generate/prompt-layout.ts';
import { describeTools, templateHasTools } from '../../src/generate/tools.ts';
import type { ChatMessage } from '../../src/model/chat-template.ts';
import { createTokenizer } from '../../src/model/tokenizer.ts';
import { makeToolModel, type ToolModel } from '../support/tool-model.ts';

let made: ToolModel;
beforeAll(() => {
  made = makeToolModel();
});
afterAll(() => made.remove());

test.each([0, 7])('a mark with index %i in a function or a call is taken out', async (index) => {
  const json = (file: string) => JSON.parse(readFileSync(join(made.folder, file), 'utf8'));
  const tokenizer = createTokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
  const model = { ...tokenizer, prompt: { instruction: '', passageHeader: '' } };
  const mark = `\u{f0000}${index}\u{f0000}`;
  const composed = async (said: string) => {
    const told = describeTools(
      model,
      [
        { role: 'user', content: 'purple herons' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ function: { name: 'f', arguments: JSON.stringify({ [said]: said }) } }],
        },
      ],
      [{ name: 'f', description: said, parameters: { [said]: said } }],
    );
    const room = { comfortable: 2048, most: 2048 };
    const layout = await PromptLayout.of(model, told, room.most);
    return (await composePrompt(layout, [], [], room)).tokens;
  };
  expect(await composed(mark)).toEqual(await composed(String(index)));
});

/** Templates that write calls as these families do, and refuse what theirs refuse. */
const TEMPLATES: Record<string, string> = {
  'Llama 3': `{%- for tool in tools %}{{ tool | tojson }}{%- endfor %}
{%- for message in messages %}
{%- if message.tool_calls %}
{%- if message.tool_calls | length != 1 %}{{ raise_exception("one call at a time") }}{%- endif %}
{{- '{"name": "' + message.tool_calls[0].function.name + '", "parameters": ' }}
{{- message.tool_calls[0].function.arguments | tojson }}{{- '}' }}
{%- else %}{{- message.role + ': ' + message.content }}{%- endif %}
{%- endfor %}`,
  Mistral: `{%- for tool in tools %}{{ tool | tojson }}{%- endfor %}
{%- for message in messages %}
{%- if message.tool_calls %}{{- '[TOOL_CALLS] [' }}
{%- for call in message.tool_calls %}
{%- if call.id is not defined or call.id | length != 9 %}{{ raise_exception("ids of nine") }}{%- endif %}
{{- '{"name": "' + call.function.name + '", "arguments": ' + (call.function.arguments | tojson) }}
{{- ', "id": "' + call.id + '"}' }}
{%- endfor %}{{- ']' }}
{%- elif message.role == 'tool' %}
{%- if message.tool_call_id | length != 9 %}{{ raise_exception("ids of nine") }}{%- endif %}
{{- '[TOOL_RESULTS] ' + message.tool_call_id + ' ' + message.content }}
{%- else %}{{- message.content }}{%- endif %}
{%- endfor %}`,
  'Mistral, later': withCalls("'[TOOL_CALLS]' + name + '[CALL_ID]' + call.id + '[ARGS]' + json"),
  'Llama 3.1, functions by name': withCalls("'<function=' + name + '>' + json + '</function>'"),
  'Llama 3.2, in Python’s form': withCalls(
    `'[' + name + '(' + (json | replace('{"', '') | replace('": ', '=') | replace('}', '')) + ')]'`,
  ),
};

/** A template that lists functions and writes each call as this expression. */
function withCalls(expression: string): string {
  return `{%- for tool in tools %}{{ tool | tojson }}{%- endfor %}
{%- for message in messages %}
{%- for call in message.tool_calls or [] %}
{%- set name = call.function.name %}{%- set json = call.function.arguments | tojson %}
{{- ${expression} }}
{%- endfor %}
{{- message.content }}
{%- endfor %}`;
}

function modelWith(chat_template: string) {
  const json = (file: string) => JSON.parse(readFileSync(join(made.folder, file), 'utf8'));
  const config = { ...json('tokenizer_config.json'), chat_template };
  return {
    ...createTokenizer(json('tokenizer.json'), config),
    prompt: { instruction: '', passageHeader: '' },
  };
}

test.each(Object.entries(TEMPLATES))(
  '%s: functions and calls go through the template',
  (_, text) => {
    expect(templateHasTools(modelWith(text))).toBe(true);
  },
);

test('a template without tools, or with calls in a form that is not read, has none', () => {
  const listed = '{%- for tool in tools %}{{ tool | tojson }}{%- endfor %}';
  const called = withCalls("'call ' + name + ' with ' + json");
  for (const text of ['{{ messages[0].content }}', `${listed}{{ messages[0].content }}`, called]) {
    expect(templateHasTools(modelWith(text))).toBe(false);
  }
});

test('Mistral: results carry the ids of their calls, whatever the caller named them', () => {
  const call = (id: string) => ({ id, function: { name: 'f', arguments: '{"n": 1}' } });
  const messages: ChatMessage[] = [
    { role: 'user', content: 'x' },
    { role: 'assistant', content: '', tool_calls: [call('call_long_id_of_ours'), call('other')] },
    { role: 'tool', content: 'second', tool_call_id: 'other' },
    { role: 'tool', content: 'first', tool_call_id: 'call_long_id_of_ours' },
  ];
  const model = modelWith(TEMPLATES.Mistral!);
  const described = describeTools(model, messages, [{ name: 'f', parameters: {} }]);
  const text = model.renderChat(described.messages, described);
  expect(text).toContain('"arguments": {"n": 1}, "id": "call00000"');
  expect(text).toContain('[TOOL_RESULTS] call00001 second[TOOL_RESULTS] call00000 first');
});
