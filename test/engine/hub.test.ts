/** Models by owner/name: downloaded from a hub on this machine, resumed, verified, taken over. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addModel } from '../../gpu-backend/builder/add-model.ts';
import { downloadCheckpoint } from '../../gpu-backend/builder/hub.ts';
import { BUNDLED, SMALL, temporaryFolder } from './models.ts';

const decided = temporaryFolder();

const folder = temporaryFolder();
const GGUF = fileURLToPath(new URL('./gguf/fixtures', import.meta.url));
const REPOSITORIES: Record<string, string> = {
  'acme/small': SMALL,
  'acme/large': BUNDLED,
  'acme/gguf': GGUF,
  'HuggingFaceTB/SmolLM2-135M-Instruct': SMALL,
};

let server: Server;
let hubUrl: string;
/** Bytes of file contents sent since a test began, and after how many to hang up. */
let sent = 0;
let hangUpAfter = Number.POSITIVE_INFINITY;
let corrupt = false;

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://hub').pathname);
    const [, owner, name, verb, , ...file] = path.replace(/^\/api\/models/, '').split('/');
    const source = REPOSITORIES[`${owner}/${name}`];
    if (!source) return refuse(response);
    if (verb === 'tree') return list(response, source);
    send(response, join(source, file.join('/')), request.headers.range);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  hubUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(() => {
  sent = 0;
  hangUpAfter = Number.POSITIVE_INFINITY;
  corrupt = false;
});

function refuse(response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: 'Repository not found' }));
}

function list(response: ServerResponse, source: string): void {
  const entries = readdirSync(source).map((path) => {
    const content = readFileSync(join(source, path));
    const oid = createHash('sha256').update(content).digest('hex');
    const lfs = { oid, size: content.length, pointerSize: 130 };
    const file = { type: 'file', path, size: content.length, oid: '0'.repeat(40) };
    return /\.(safetensors|gguf)$/.test(path) ? { ...file, lfs } : file;
  });
  const noise = { type: 'file', path: 'pytorch_model.bin', size: 10 ** 9, oid: '0'.repeat(40) };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify([...entries, noise]));
}

function send(response: ServerResponse, path: string, range: string | undefined): void {
  if (!existsSync(path)) return refuse(response);
  const content = Buffer.from(readFileSync(path));
  if (corrupt && /\.(safetensors|gguf)$/.test(path)) content[content.length - 1]! ^= 1;
  const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(range ?? '') ?? [];
  const end = to === '' ? content.length : Math.min(content.length, Number(to) + 1);
  const part = content.subarray(Number(from), end);
  response.writeHead(range ? 206 : 200, {
    etag: '"1"',
    'content-length': part.length,
    'content-range': `bytes ${from}-${end - 1}/${content.length}`,
    'accept-ranges': 'bytes',
  });
  if (part.length > 1) sent += part.length;
  if (part.length <= hangUpAfter) return void response.end(part);
  response.write(part.subarray(0, hangUpAfter), () => response.destroy());
}

describe('downloading', () => {
  it('takes what is needed and reports progress', async () => {
    const target = join(folder, 'plain');
    const seen: number[] = [];
    await downloadCheckpoint('acme/small', target, {
      hubUrl,
      onProgress: (done, total) => seen.push(done / total),
    });
    expect(readdirSync(target).sort()).toEqual(
      readdirSync(SMALL)
        .filter((name) => name !== 'golden.json')
        .sort(),
    );
    expect(seen.at(-1)).toBe(1);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
  });

  it('fetches nothing again that is there', async () => {
    const target = join(folder, 'plain');
    await downloadCheckpoint('acme/small', target, { hubUrl });
    expect(sent).toBe(0);
  });

  it('goes on where it broke off', async () => {
    const target = join(folder, 'resumed');
    const whole = statSync(join(BUNDLED, 'model.safetensors')).size;
    hangUpAfter = 5_000_000;
    await expect(downloadCheckpoint('acme/large', target, { hubUrl })).rejects.toThrow();
    const partial = statSync(join(target, '.model.safetensors.partial')).size;
    expect(partial).toBeGreaterThan(0);
    hangUpAfter = Number.POSITIVE_INFINITY;
    sent = 0;
    await downloadCheckpoint('acme/large', target, { hubUrl });
    expect(sent).toBeLessThan(whole);
    for (const name of ['model.safetensors', 'tokenizer.json']) {
      expect(readFileSync(join(target, name)).equals(readFileSync(join(BUNDLED, name)))).toBe(true);
    }
  });

  it('refuses weights that are not what the hub says', async () => {
    corrupt = true;
    const target = join(folder, 'corrupt');
    await expect(downloadCheckpoint('acme/small', target, { hubUrl })).rejects.toThrow(
      /is not what the hub says/,
    );
    expect(readdirSync(target).some((name) => name.endsWith('.safetensors'))).toBe(false);
  });

  it.each(['acme/unknown', '../etc/passwd', 'acme/../../x', 'just-a-name'])(
    'refuses %s',
    async (name) => {
      await expect(downloadCheckpoint(name, join(folder, 'none'), { hubUrl })).rejects.toThrow();
    },
  );
});

describe('adding', () => {
  const options = () => ({
    cacheFolder: join(folder, 'cache'),
    compute: 'float32' as const,
    download: { hubUrl },
  });

  it('makes a model folder with a manifest, once', async () => {
    const model = await addModel('acme/small', options());
    expect(model.manifest.name).toBe('acme--small');
    expect(model.manifest.fingerprints.model).toMatch(/^[0-9a-f]{64}$/);
    expect(model.manifest.parameters).toBeGreaterThan(10_000);
    const written = statSync(join(model.path, 'manifest.json')).mtimeMs;
    const again = await addModel('acme/small', options());
    expect(again).toEqual(model);
    expect(statSync(join(again.path, 'manifest.json')).mtimeMs).toBe(written);
  });

  it('takes a short name, as whoever names a model may', async () => {
    const model = await addModel('SmolLM2-135m', options());
    expect(model.manifest.name).toBe('HuggingFaceTB--SmolLM2-135M-Instruct');
  });

  it('takes a folder that is a model already where it lies', async () => {
    const model = await addModel(BUNDLED, options());
    expect(model.path).toBe(BUNDLED);
  });

  it('gives another fingerprint to quantised weights', async () => {
    const plain = await addModel(SMALL, options());
    const quantised = await addModel(SMALL, { ...options(), quantization: 'int4' });
    expect(quantised.manifest.quantization).toBe('int4');
    expect(quantised.manifest.fingerprints.model).not.toBe(plain.manifest.fingerprints.model);
    expect(quantised.path).not.toBe(plain.path);
  });

  it('decides for a form once, and keeps to it', async () => {
    const cacheFolder = decided;
    const auto = { ...options(), cacheFolder, quantization: 'auto' as const };
    const model = await addModel(SMALL, auto);
    // Its matrices are no blocks, so there is nothing to measure.
    expect(model.manifest.quantization).toBe('int8');
    expect(model.manifest.name).toBe(basename(SMALL));
    const manifest = join(model.path, 'manifest.json');
    const written = statSync(manifest).mtimeMs;
    expect(await addModel(SMALL, auto)).toEqual(model);
    expect(await addModel(model.path, auto)).toEqual(model);
    expect(statSync(manifest).mtimeMs).toBe(written);
    expect(
      readdirSync(cacheFolder).filter((name) => /float32-int[48](-unsigned)?-v/.test(name)),
    ).toHaveLength(1);
  });

  it('does not keep to int4 that was taken for want of int8', async () => {
    const cacheFolder = join(decided, 'webgpu');
    const auto = { ...options(), cacheFolder, quantization: 'auto' as const };
    const onWebGpu = await addModel(SMALL, { ...auto, auto: 'int4' });
    expect(onWebGpu.manifest.quantization).toBe('int4');
    expect((await addModel(SMALL, auto)).manifest.quantization).toBe('int8');
  });

  it('leaves float16 as it is', async () => {
    const half = { ...options(), cacheFolder: join(decided, 'half'), compute: 'float16' as const };
    const model = await addModel(SMALL, { ...half, quantization: 'auto' });
    expect(model.manifest.quantization).toBe('none');
    const refused = addModel(SMALL, { ...half, quantization: 'int8' });
    await expect(refused).rejects.toThrow(/int8 rows in float16 .*float32/);
  });

  it.each([
    ['none', { provider: 'cuda' }, 'float32'],
    ['none', { provider: 'cuda' }, 'float16'],
    ['int4', { auto: 'int4' }, 'float16'],
  ] as const)('makes it %s for %o in %s', async (form, choice, compute) => {
    const name = [form, choice, compute].map((part) => JSON.stringify(part)).join(' ');
    const own = { ...options(), ...choice, compute, cacheFolder: join(decided, name) };
    const model = await addModel(SMALL, { ...own, quantization: 'auto' });
    expect(model.manifest.quantization).toBe(form);
  });

  it.each([
    ['by its file', 'acme/gguf:mistral-f16.gguf'],
    ['by its quantisation', 'acme/gguf:F16'],
  ])('takes a GGUF file of a repository %s', async (_, source) => {
    const model = await addModel(source, options());
    expect(model.manifest.name).toBe('acme--gguf--mistral-f16');
    expect(model.config.architecture).toBe('LlamaForCausalLM');
    sent = 0;
    expect(await addModel(source, options())).toEqual(model);
    expect(sent).toBe(0);
  });

  it('refuses a GGUF file that is not what the hub says', async () => {
    corrupt = true;
    await expect(addModel('acme/gguf:qwen2-bias-tied-bf16.gguf', options())).rejects.toThrow(
      /is not what the hub says/,
    );
  });

  it.each([
    ['acme/gguf', /name one of them as acme\/gguf:FILE, of .*mistral-f16\.gguf/],
    ['acme/gguf:Q2_K', /no file fits "Q2_K"; there are .*mistral-f16\.gguf/],
    ['acme/gguf:f32', /2 files fit "f32"; there are llama-biased-tied-f32.gguf, llama3-rope/],
    ['acme/gguf:', /neither a folder, nor a .gguf file/],
  ])('says what %s could be', async (source, message) => {
    await expect(addModel(source, options())).rejects.toThrow(message);
  });

  it('says what is neither a folder nor a name', async () => {
    await expect(addModel('/no/such/folder', options())).rejects.toThrow(/neither a folder, nor/);
  });

  it('replaces what an interrupted run has left', async () => {
    const cacheFolder = join(folder, 'interrupted');
    const model = await addModel(SMALL, { ...options(), cacheFolder });
    writeFileSync(join(model.path, 'manifest.json'), '{"fingerprints":{}}');
    const again = await addModel(SMALL, { ...options(), cacheFolder });
    expect(again.manifest).toEqual(model.manifest);
  });
});

it('without a network it says so, and what to do', async () => {
  const download = { hubUrl: 'http://127.0.0.1:9' };
  const adding = addModel('acme/small', { cacheFolder: folder, compute: 'float32', download });
  await expect(adding).rejects.toThrow(
    /http:\/\/127\.0\.0\.1:9 can't be reached to download acme\/small: check the network, or name/,
  );
});
