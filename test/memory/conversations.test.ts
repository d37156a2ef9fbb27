/** Which answers of a conversation are kept, through the real service on a model with tools. */
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startedOnesAlwaysDraft } from '../support/always-draft.ts';
import { startService, type TestService } from '../support/service.ts';
import { makeToolModel, type ToolModel } from '../support/tool-model.ts';

startedOnesAlwaysDraft();

/** Longer than an answer takes to be kept after its last byte. */
const SETTLED_MS = 500;
const tools: OpenAI.ChatCompletionFunctionTool[] = [
  {
    type: 'function',
    function: {
      name: 'prune',
      parameters: {
        type: 'object',
        properties: {
          tree: { enum: ['pear', 'fig'] },
          hours: { type: 'integer', minimum: 1, maximum: 8 },
        },
        required: ['tree', 'hours'],
        additionalProperties: false,
      },
    },
  },
];

type Messages = OpenAI.ChatCompletionMessageParam[];

let crafted: ToolModel;
let service: TestService;
let client: OpenAI;
beforeAll(async () => {
  crafted = makeToolModel();
  service = await startService({ demo: false, model: crafted.folder });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
}, 120_000);
afterAll(async () => {
  await service?.stop();
  crafted?.remove();
});

async function ask(messages: Messages, more: object = {}) {
  const { choices } = await client.chat.completions.create({
    model: service.model,
    messages,
    temperature: 0,
    max_tokens: 40,
    ...more,
  });
  await sleep(SETTLED_MS);
  return choices[0]!.message;
}

/** Tokens of earlier answers that asking this fetches. */
async function fetched(messages: Messages): Promise<number> {
  const total = async () => {
    const page = await (await fetch(`${service.url}/metrics`)).text();
    const line = /^espalier_draft_memory_tokens_total\{store="T"\} (\d+)$/m.exec(page);
    return Number(line?.[1] ?? 0);
  };
  const before = await total();
  await ask(messages);
  return (await total()) - before;
}

test('what follows a short answer is kept, where that was said to that question', async () => {
  const question = { role: 'user' as const, content: 'Is the pear pruned?' };
  const short = await ask([question], { max_tokens: 2 });
  expect(short.content!.length).toBeLessThan(16);
  const goOn = (asked: string): Messages => [
    { role: 'user', content: asked },
    { role: 'assistant', content: short.content },
    { role: 'user', content: 'Why?' },
  ];
  // Nobody was asked this.
  const unknown = await fetched(goOn('Is the fig pruned?'));
  expect(await fetched(goOn('Is the fig pruned?'))).toBe(unknown);
  expect(await fetched(goOn(question.content))).toBe(unknown);
  expect(await fetched(goOn(question.content))).toBeGreaterThan(unknown);
});

test('what follows a call is kept, where it was called like that', async () => {
  const question = { role: 'user' as const, content: 'Prune the pear.' };
  const called = await ask([question], { tools, tool_choice: 'required', max_tokens: 200 });
  expect(called.content).toBeNull();
  const [call] = called.tool_calls!;
  if (call?.type !== 'function') throw new Error('no function was called');
  const goOn = (json: string): Messages => [
    question,
    {
      role: 'assistant',
      content: '',
      tool_calls: called.tool_calls!.map((one) =>
        one === call ? { ...call, function: { ...call.function, arguments: json } } : one,
      ),
    },
    ...called.tool_calls!.map(({ id }) => ({
      role: 'tool' as const,
      tool_call_id: id,
      content: 'It is done.',
    })),
  ];
  const unknown = await fetched(goOn('{"tree": "the secret of a deleted file"}'));
  expect(await fetched(goOn('{"tree": "the secret of a deleted file"}'))).toBe(unknown);
  const known = JSON.stringify(JSON.parse(call.function.arguments));
  expect(await fetched(goOn(known))).toBe(unknown);
  expect(await fetched(goOn(known))).toBeGreaterThan(unknown);
});
