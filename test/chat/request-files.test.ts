/**
 * Files that a request brings, through the real service: searched, or given to
 * the target whole while the draft model reads what of them matches.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI, { toFile } from 'openai';
import { beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';
import { createTokenizer } from '../../src/model/tokenizer.ts';
import { makeZip } from '../support/documents.ts';
import { createKeys } from '../support/keys.ts';
import { TARGET } from '../support/model-server.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';

const QUESTION = 'What is the echo?';
const json = (file: string) => JSON.parse(readFileSync(join(TARGET, file), 'utf8'));
const { encodeUntrusted } = createTokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
const GUIDE = readFileSync(join(ROOT, 'docs/how-it-works.md'), 'utf8');
/** Longer than what the draft model reads, short enough for the target. */
const TEXT = GUIDE.slice(0, GUIDE.indexOf('## What is kept of earlier answers?'));
const TEXT_TOKENS = encodeUntrusted(TEXT).length;

const SECRET = 'The vault opens with seventeen purple herons at midnight.';
const VAULT = `# The vault\n\n${SECRET}`;

let service: SharedService;
let ann: OpenAI;
let bob: OpenAI;
let eve: OpenAI;
let file: string;

beforeAll(async () => {
  service = await sharedService({ demo: false });
  const clientWith = (apiKey: string) =>
    new OpenAI({ baseURL: `${service.url}/v1`, apiKey, maxRetries: 0 });
  const keys = await createKeys(
    service.databases,
    ...['ann', 'bob', 'eve'].map((name) => ({ tenant: `filing ${name}` })),
  );
  [ann, bob, eve] = keys.map(clientWith) as [OpenAI, OpenAI, OpenAI];
  file = await upload(ann, TEXT, 'guide.md');
  // The draft model's session is made here.
  await fetch(`${service.url}/health`);
});

async function upload(client: OpenAI, content: string | Uint8Array, name: string) {
  const uploaded = await toFile(Buffer.from(content), name);
  return (await client.files.create({ file: uploaded, purpose: 'user_data' })).id;
}

/** A request for what only a file of the client's says. */
async function vault(client: OpenAI) {
  const messages = [{ role: 'user', content: 'How does the vault open?' }];
  return { messages, file_ids: [await upload(client, VAULT, 'vault.md')], context: 'full' };
}

interface Stats {
  by_source: Record<string, number>;
  mean_accepted: number;
  draft_model: { context_tokens: number; passes: number } | null;
}

async function ask(client: OpenAI, more: object, speculation: object = {}) {
  const completion = (await client.chat.completions.create({
    model: service.model,
    messages: [{ role: 'user', content: QUESTION }],
    seed: 5,
    max_tokens: 60,
    ...{ speculation: { trace: true, stats: true, ...speculation }, ...more },
  })) as OpenAI.ChatCompletion & { espalier: { passages: { text: string; heading: string }[] } };
  const { usage, choices, espalier } = completion;
  return {
    text: choices[0]!.message.content!,
    annotations: choices[0]!.message.annotations as unknown as Record<string, unknown>[],
    passages: espalier.passages,
    prompt: usage!.prompt_tokens,
    cached: usage!.prompt_tokens_details!.cached_tokens!,
    stats: (usage as unknown as { speculation: Stats }).speculation,
  };
}

const whole = () => ({ file_ids: [file], context: 'full' });

describe('whole', () => {
  test('the document is in the prompt to its last token, and the draft model reads what matches', async () => {
    const bare = await ask(ann, { vector_store_ids: [] });
    const full = await ask(ann, whole(), { ablation: { draft_model: 'always' } });
    expect(TEXT_TOKENS).toBeGreaterThan(1024);
    expect(full.prompt).toBeGreaterThan(bare.prompt + TEXT_TOKENS);
    // A system turn, the instruction and the document's name.
    expect(full.prompt).toBeLessThan(bare.prompt + TEXT_TOKENS + 40);
    expect(full.passages[0]!.heading).toBe(QUESTION);
    const { context_tokens, passes } = full.stats.draft_model!;
    expect(passes).toBeGreaterThan(0);
    expect(context_tokens).toBeLessThanOrEqual(1024);
    expect(context_tokens).toBeGreaterThan(
      bare.prompt + encodeUntrusted(full.passages[0]!.text).length,
    );
  });

  test('a second question over it finds it in the cache', async () => {
    await ask(ann, whole());
    const second = await ask(ann, {
      ...whole(),
      messages: [{ role: 'user', content: 'What is a draft tree?' }],
    });
    expect(second.cached).toBeGreaterThan(TEXT_TOKENS);
    expect(second.passages[0]!.heading).toBe('What is a draft tree?');
  });

  test.each([0, 0.8])('drafting changes nothing at temperature %f', async (temperature) => {
    const more = { ...whole(), temperature };
    const plain = await ask(ann, more, { mode: 'off' });
    expect(plain.stats.mean_accepted).toBe(1);
    for (const way of [{ draft_model: 'off' }, { ablation: { draft_model: 'always' } }, {}]) {
      const drafted = await ask(ann, more, way);
      expect([drafted.text, drafted.prompt]).toEqual([plain.text, plain.prompt]);
    }
  });

  test('a quote is cited, with its place in the file', async () => {
    const { file_ids, context, messages } = await vault(ann);
    const { text, annotations } = await ask(ann, { file_ids, context, messages });
    expect(text).toContain('purple herons');
    expect(annotations).toEqual([
      {
        type: 'file_citation',
        index: expect.any(Number),
        file_id: file_ids[0],
        filename: 'vault.md',
        title: 'The vault',
        heading: 'The vault',
        start: VAULT.indexOf(SECRET),
        end: VAULT.length,
      },
    ]);
  });

  test('too long is refused with both numbers and what to do', async () => {
    const long = await upload(ann, GUIDE + GUIDE, 'long.md');
    const request = ask(ann, { file_ids: [long], context: 'full' });
    await expect(request).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
      param: 'file_ids',
      message: expect.stringMatching(/file_ids: at least \d{4} tokens.* 2047 .*context "full"/),
    });
    const endless = await upload(ann, 'A pear is a pear. '.repeat(10_000), 'endless.txt');
    await expect(ask(ann, { file_ids: [endless], context: 'full' })).rejects.toMatchObject({
      code: 'context_length_exceeded',
      message: expect.stringMatching(/at least 11250 tokens, but at most 2047 /),
    });
    // Searched instead, it has a place.
    expect((await ask(ann, { file_ids: [long] })).passages[0]!.heading).toBe(QUESTION);
  });

  test('what each file has counts together, whether it is new or kept', async () => {
    const file_ids = [file, await upload(ann, TEXT, 'again.md')];
    for (let time = 0; time < 2; time++) {
      await expect(ask(ann, { file_ids, context: 'full' })).rejects.toMatchObject({
        code: 'context_length_exceeded',
        message: expect.stringContaining(`at least ${2 * TEXT_TOKENS} tokens, but at most 2047 `),
      });
    }
  });
});

describe('searched', () => {
  test('more text than may be searched is refused, when it is new and when it is kept', async () => {
    const dense = await upload(ann, '7,'.repeat(150_000), 'dense.txt');
    for (let time = 0; time < 2; time++) {
      await expect(ask(ann, { file_ids: [dense] })).rejects.toMatchObject({
        status: 400,
        code: 'context_length_exceeded',
        message: expect.stringMatching(/at least \d{6} tokens, but at most 262144 /),
      });
    }
  });

  test('what matches is in the prompt, stores are not searched unless named', async () => {
    const { passages, prompt } = await ask(ann, { file_ids: [file] });
    expect(passages[0]!.heading).toBe(QUESTION);
    expect(prompt).toBeLessThan(TEXT_TOKENS);
  });

  test('a part of a message names a file as file_ids does', async () => {
    const named = await ask(ann, whole());
    const content = [
      { type: 'file', file: { file_id: file } },
      { type: 'text', text: QUESTION },
    ];
    const messages = [{ role: 'user', content }];
    const part = await ask(ann, { messages, context: 'full' });
    expect([part.text, part.prompt]).toEqual([named.text, named.prompt]);
    // Named twice it is there once.
    expect((await ask(ann, { messages, ...whole() })).prompt).toBe(named.prompt);
  });
});

describe('refused', () => {
  test('another tenant’s file is one that does not exist', async () => {
    const missing = { status: 404, param: 'file_ids.0' };
    await expect(ask(bob, whole())).rejects.toMatchObject(missing);
    await expect(ask(bob, { file_ids: [file] })).rejects.toMatchObject(missing);
    const content = [{ type: 'file', file: { file_id: file } }];
    const messages = [{ role: 'user', content }];
    await expect(ask(bob, { messages })).rejects.toMatchObject({
      status: 404,
      param: 'messages.0.content.0',
    });
    await expect(ask(ann, { file_ids: ['file-none'] })).rejects.toMatchObject(missing);
  });

  test.each([
    [{ context: 'full' }, 'context', '"full" needs files'],
    [{ context: 'half' }, 'context', 'must be one of passages, full'],
    [{ file_ids: Array.from({ length: 17 }, String) }, 'file_ids', 'at most 16 files'],
    [
      {
        messages: [
          {
            role: 'user',
            content: Array.from({ length: 17 }, (_, i) => ({
              type: 'file',
              file: { file_id: `file-${i}` },
            })),
          },
        ],
      },
      'messages',
      'at most 16 files',
    ],
  ])('what is wrong is named: %#', async (more, param, message) => {
    await expect(ask(ann, more)).rejects.toMatchObject({
      status: 400,
      param,
      message: expect.stringContaining(message),
    });
  });

  test('a file sent in the message, or one that can’t be read', async () => {
    const sent = [{ type: 'file', file: { file_data: 'data:text/plain;base64,aGk=' } }];
    await expect(ask(ann, { messages: [{ role: 'user', content: sent }] })).rejects.toMatchObject({
      status: 400,
    });
    const unreadable = await upload(ann, makeZip({ 'a.bin': 'x' }), 'a.zip');
    await expect(ask(ann, { file_ids: [unreadable] })).rejects.toMatchObject({
      status: 400,
      param: 'file_ids',
      message: expect.stringContaining(unreadable),
    });
  });
});

test('a deleted file is gone, and nothing of what it said is drafted', async () => {
  const more = await vault(eve);
  const stats: Stats[] = [];
  for (let i = 0; i < 2; i++) {
    const answer = await ask(eve, more);
    expect(answer.text).toContain('purple herons');
    stats.push(answer.stats);
  }
  await eve.files.delete(more.file_ids[0]!);
  await expect(ask(eve, more)).rejects.toMatchObject({ status: 404, param: 'file_ids.0' });
  const after = await ask(eve, { messages: more.messages, vector_store_ids: [] });
  expect(after.text).not.toContain('purple herons');
  stats.push(after.stats);
  // Its answers were not even kept while it was there.
  for (const { by_source } of stats) expect(by_source.tenant).toBeUndefined();
});
