/** What clients send that asks for nothing, hints for others, and what would change an answer. */
import OpenAI from 'openai';
import { beforeAll, describe, expect, test } from 'vitest';
import { type SharedService, sharedService } from '../support/shared-service.ts';

const QUESTION = { role: 'user', content: 'When are pears pruned?' };
const CALL = {
  id: 'call_1',
  type: 'function',
  function: { name: 'prune', arguments: '{"tree": "pear"}' },
};
const RESULT = { role: 'tool', tool_call_id: 'call_1', content: 'done' };
const PRUNE = { type: 'function', function: { name: 'prune', description: null, strict: null } };

let service: SharedService;
let client: OpenAI;

beforeAll(async () => {
  service = await sharedService({ demo: false });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
});

interface Sent {
  status: number;
  ignored: string | null;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every route
  body: any;
}

async function send(path: string, body: object | string, headers = {}): Promise<Sent> {
  const response = await fetch(`${service.url}/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return {
    status: response.status,
    ignored: response.headers.get('x-espalier-ignored'),
    text,
    body: isJson ? JSON.parse(text) : null,
  };
}

const chat = (fields: object, headers = {}) =>
  send('/chat/completions', { messages: [QUESTION], max_tokens: 2, ...fields }, headers);
const respond = (fields: object, headers = {}) =>
  send('/responses', { input: QUESTION.content, max_output_tokens: 2, ...fields }, headers);
const complete = (fields: object, headers = {}) =>
  send('/completions', { prompt: 'Pears are', max_tokens: 2, ...fields }, headers);

describe('what asks for nothing is taken, and names no hint', () => {
  const asked = [
    'model stream stream_options max_tokens max_completion_tokens temperature top_p top_k seed stop n',
    'frequency_penalty presence_penalty logit_bias logprobs top_logprobs prediction response_format',
    'tools tool_choice parallel_tool_calls vector_store_ids file_ids context speculation store user',
    'metadata audio function_call functions modalities reasoning_effort verbosity web_search_options',
    'service_tier safety_identifier prompt_cache_key anything_else',
  ].flatMap((line) => line.split(' '));
  const nulls = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, null]));

  test.each([
    ['nulls in a chat', chat, nulls(asked)],
    ['nulls in a response', respond, nulls([...asked, 'instructions', 'include', 'text'])],
    ['nulls in a completion', complete, nulls([...asked, 'echo', 'suffix', 'best_of', 'suggest'])],
    ['defaults of OpenAI', chat, { modalities: ['text'], service_tier: 'default', functions: [] }],
    ['no padding', chat, { stream: true, stream_options: { include_obfuscation: false } }],
    ['options as null', chat, { stream: true, stream_options: { include_usage: null } }],
    ['a null within', chat, { speculation: { mode: null, stats: null } }],
    ['a message’s nulls', chat, { messages: [{ ...QUESTION, name: null }] }],
    ['a tool’s nulls', chat, { tools: [PRUNE], tool_choice: 'none' }],
    ['labels of any kind', chat, { user: 7, metadata: { run: 1, tags: ['a'] } }],
  ])('%s', async (_, ask, fields) => {
    const { status, ignored, text } = await ask(fields);
    expect({ status, ignored }, text).toEqual({ status: 200, ignored: null });
  });

  test('nulls of stores and their files', async () => {
    const file = new FormData();
    file.set('purpose', 'assistants');
    file.set('file', new File(['Pears.'], 'pears.md'));
    const uploaded = await fetch(`${service.url}/v1/files`, { method: 'POST', body: file });
    const { id: file_id } = (await uploaded.json()) as { id: string };
    const fields = { name: null, description: null, metadata: null, expires_after: null };
    const files = { file_ids: null, chunking_strategy: null };
    const store = await send('/vector_stores', { ...fields, ...files });
    expect(store, store.text).toMatchObject({ status: 200, ignored: null });
    const inStore = `/vector_stores/${store.body.id}`;
    const place = { attributes: null, chunking_strategy: null };
    const attached = await send(`${inStore}/files`, { file_id, ...place });
    expect(attached, attached.text).toMatchObject({ status: 200, ignored: null });
    const batch = await send(`${inStore}/file_batches`, { files: [{ file_id, ...place }] });
    expect(batch, batch.text).toMatchObject({ status: 200, ignored: null });
    const options = { ranker: null, score_threshold: null, method: null, diversity: null };
    const asked = { max_num_results: null, filters: null, rewrite_query: null };
    const found = await send(`${inStore}/search`, {
      query: 'pears',
      ranking_options: options,
      ...asked,
    });
    expect(found, found.text).toMatchObject({ status: 200, ignored: null });
  });
});

describe('what SDKs dump goes back in', () => {
  const said = { role: 'assistant', refusal: null, audio: null, function_call: null };
  const citation = { type: 'file_citation', url_citation: null, index: 3, file_id: 'f', start: 0 };
  const parsed = { ...CALL.function, parsed_arguments: { tree: 'pear' } };

  test.each([
    ['a text', { ...said, content: 'In winter.', annotations: [citation], tool_calls: null }],
    ['a parsed text', { ...said, content: '{"a": 1}', annotations: [], parsed: { a: 1 } }],
    ['calls', { ...said, content: null, annotations: [], tool_calls: [CALL] }],
    ['parsed calls', { ...said, content: '', tool_calls: [{ ...CALL, function: parsed }] }],
    ['a refusal', { ...said, content: [{ type: 'refusal', refusal: 'No.' }] }],
  ])('chat: %s', async (_, message) => {
    const result = 'tool_calls' in message && message.tool_calls ? [RESULT] : [];
    const { status, ignored, text } = await chat({
      messages: [QUESTION, message, ...result, QUESTION],
    });
    expect({ status, ignored }, text).toEqual({ status: 200, ignored: null });
  });

  test('responses: every item that Python’s SDK has', async () => {
    const text = { annotations: [citation], text: 'hi', type: 'output_text', logprobs: null };
    const call = { call_id: 'call_1', name: 'prune', id: 'fc_1', status: 'completed' };
    const { status, ignored, ...rest } = await respond({
      input: [
        { role: 'user', content: 'Prune.' },
        { id: 'rs_1', summary: [], type: 'reasoning', content: null, encrypted_content: null },
        {
          id: 'fs_1',
          queries: ['a'],
          status: 'completed',
          type: 'file_search_call',
          results: null,
        },
        {
          id: 'msg_1',
          content: [text],
          role: 'assistant',
          status: 'completed',
          type: 'message',
          phase: null,
        },
        {
          ...call,
          arguments: '{}',
          type: 'function_call',
          async_: null,
          caller: null,
          namespace: null,
        },
        { type: 'function_call_output', call_id: 'call_1', output: 'done', id: null, status: null },
        { role: 'user', content: 'And plums?' },
      ],
    });
    expect({ status, ignored }, rest.text).toEqual({ status: 200, ignored: null });
  });

  test('an answer of Node’s SDK, as it came', async () => {
    const ask = { model: service.model, max_tokens: 4, messages: [QUESTION] as never };
    const first = await client.chat.completions.create(ask);
    const messages = [QUESTION, first.choices[0]!.message, QUESTION] as never;
    const again = await client.chat.completions.create({ ...ask, messages });
    expect(again.choices[0]!.message.content).not.toBe('');
  });
});

describe('hints are ignored, and named', () => {
  const cached = { cache_control: { type: 'ephemeral' } };
  const parts = { role: 'user', content: [{ type: 'text', text: 'When?', ...cached }] };

  test.each([
    [
      'cache_control',
      chat,
      { messages: [{ ...parts, ...cached }] },
      'messages.*.content.*.cache_control, messages.*.cache_control',
    ],
    ['an editor’s own', chat, { session_id: 'x', extra: { a: 1 } }, 'session_id, extra'],
    [
      'in a tool',
      chat,
      { tools: [{ ...PRUNE, ...cached }], tool_choice: 'none' },
      'tools.*.cache_control',
    ],
    ['a stream’s', chat, { stream: true, trace_id: 1 }, 'trace_id'],
    ['of a response', respond, { trace_id: 1 }, 'trace_id'],
    ['of a completion', complete, { trace_id: 1 }, 'trace_id'],
    [
      'of a store',
      (f: object) => send('/vector_stores', f),
      { name: 'x', trace_id: 1 },
      'trace_id',
    ],
    ['a name that no header takes', chat, { 'ä\nb': 1 }, '??b'],
    [
      '__proto__',
      (f: object) => send('/chat/completions', f),
      JSON.parse(
        '{"messages":[{"role":"user","content":"x"}],"max_tokens":1,"__proto__":{"stream":true}}',
      ),
      '__proto__',
    ],
  ])('%s', async (_, ask, fields, names) => {
    const { status, ignored, text } = await ask(fields as object);
    expect({ status, ignored }, text).toEqual({ status: 200, ignored: names });
  });

  test('a hint leaves the answer as it is', async () => {
    const plain = await chat({ temperature: 0, max_tokens: 12 });
    const hinted = await chat({
      temperature: 0,
      max_tokens: 12,
      messages: [{ ...QUESTION, ...cached }],
    });
    expect(hinted.body.choices[0].message.content).toBe(plain.body.choices[0].message.content);
  });

  test('many hints are counted', async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`hint_${i}`, 1]));
    expect((await chat(many)).ignored).toMatch(/^hint_0, .*hint_19, and 480 more$/);
  });

  test.each([
    [{ messages: [{ ...parts, ...cached }] }, 'messages.0.content.0.cache_control'],
    [{ session_id: 'x' }, 'session_id'],
  ])('x-espalier-strict refuses one: %j', async (fields, param) => {
    const { status, body } = await chat(fields, { 'x-espalier-strict': 'true' });
    expect(status).toBe(400);
    expect(body.error.param).toBe(param);
  });

  test('x-espalier-strict leaves alone what asks for nothing', async () => {
    const fields = { audio: null, anything: null, modalities: ['text'], metadata: { a: '1' } };
    expect((await chat(fields, { 'x-espalier-strict': 'true' })).status).toBe(200);
  });
});

describe('what would change the answer is refused by name', () => {
  test.each([
    [chat, { audio: { voice: 'alloy', format: 'wav' } }],
    [chat, { modalities: ['text', 'audio'] }],
    [chat, { functions: [{ name: 'f' }] }],
    [chat, { function_call: { name: 'f' } }],
    [chat, { thinking: { type: 'enabled' } }],
    [chat, { top_a: 0.1 }],
    [chat, { guided_json: { type: 'object' } }],
    [chat, { stop_token_ids: [1] }],
    [chat, { verbosity: 'low' }],
    [respond, { max_tool_calls: 1 }],
    [respond, { stop: ['a'] }],
    [respond, { conversation: 'conv_1' }],
    [complete, { repeat_penalty: 1.1 }],
    [complete, { tools: [PRUNE] }],
  ])('%o %j', async (ask, fields) => {
    const { status, body } = await ask(fields);
    const [name] = Object.keys(fields);
    expect(status).toBe(400);
    expect(body.error.param).toBe(name);
    expect(body.error.message).toContain('is not supported, as it would change the answer');
  });

  test.each([
    [{ ...QUESTION, role: 'assistant', audio: { id: 'audio_1' } }, 'messages.0.audio'],
    [{ role: 'assistant', content: 'I', prefix: true }, 'messages.0.prefix'],
    [
      { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
      'messages.0.function_call',
    ],
  ])('in a message: %j', async (message, param) => {
    const { status, body } = await chat({ messages: [message, QUESTION] });
    expect([status, body.error.param]).toEqual([400, param]);
  });

  test('a schema beside json_object', async () => {
    const { body } = await chat({ response_format: { type: 'json_object', schema: {} } });
    expect(body.error.param).toBe('response_format.schema');
  });

  test('a hybrid search by weights', async () => {
    const { body: store } = await send('/vector_stores', {});
    const ranking_options = { hybrid_search: { embedding_weight: 1, text_weight: 0 } };
    const { body } = await send(`/vector_stores/${store.id}/search`, {
      query: 'x',
      ranking_options,
    });
    expect(body.error.param).toBe('ranking_options.hybrid_search');
  });
});

describe('seeds have 64 bits', () => {
  const drawn = async (seed: string) => {
    const fields =
      '"messages":[{"role":"user","content":"Pears?"}],"max_tokens":24,"temperature":1.5';
    const { status, body } = await send('/chat/completions', `{${fields},"seed":${seed}}`);
    return status === 200 ? body.choices[0].message.content : body.error;
  };
  const LARGEST = '9223372036854775807';
  const LEAST = '-9223372036854775808';

  test.each([LARGEST, LEAST, '-1', '9007199254740993'])('%s says the same again', async (seed) => {
    const first = await drawn(seed);
    expect(first).toEqual(expect.any(String));
    expect(await drawn(seed)).toBe(first);
  });

  test('neighbours that are one number to JavaScript are two', async () => {
    const said = await Promise.all(['9007199254740992', '9007199254740993'].map(drawn));
    expect(said[0]).not.toBe(said[1]);
  });

  test.each(['9223372036854775808', '-9223372036854775809', '1.5', '"7"', '1e30', 'true'])(
    '%s is none',
    async (seed) => {
      expect(await drawn(seed)).toMatchObject({
        param: 'seed',
        message: expect.stringContaining(LARGEST),
      });
    },
  );

  test('a field of that name within a schema stays a number', async () => {
    const schema =
      '{"type":"object","properties":{"a":{"enum":[1]}},"examples":[{"seed":12345678901234567890}]}';
    const format = `{"type":"json_schema","json_schema":{"name":"a","schema":${schema}}}`;
    const { status, text } = await send(
      '/chat/completions',
      `{"messages":[{"role":"user","content":"x"}],"max_tokens":2,"response_format":${format}}`,
    );
    expect(status, text).toBe(200);
  });
});

test('with usage in a stream, the other chunks have it as null', async () => {
  const { text } = await chat({ stream: true, stream_options: { include_usage: true } });
  const chunks = [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data]) => JSON.parse(data!));
  expect(chunks.at(-1)).toMatchObject({
    choices: [],
    usage: { prompt_tokens: expect.any(Number) },
  });
  for (const chunk of chunks.slice(0, -1)) expect(chunk.usage).toBeNull();
  const without = await chat({ stream: true });
  expect(without.text).not.toContain('"usage"');
});

test('half a surrogate pair as a stop string cuts no character', async () => {
  const plain = await chat({ temperature: 0, max_tokens: 8 });
  const stopped = await chat({ temperature: 0, max_tokens: 8, stop: ['\ud83d', '\ude00'] });
  expect(stopped.body.choices[0].message.content).toBe(plain.body.choices[0].message.content);
});
