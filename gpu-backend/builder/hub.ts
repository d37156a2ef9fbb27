/** Downloads models from a Hugging Face hub: only the files that are needed, resumable, verified. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { downloadFile, type ListFileEntry, listFiles } from '@huggingface/hub';
import { isGgufName } from './gguf/checkpoint.ts';
import { chooseGguf } from './gguf/choose-file.ts';

export interface DownloadOptions {
  /** Of the hub; by default the public one. */
  hubUrl?: string | undefined;
  /** A branch, tag or commit. */
  revision?: string | undefined;
  /** For gated and private models. */
  accessToken?: string | undefined;
  /** Called as bytes arrive, over all files. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

const NEEDED =
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|model\.safetensors\.index)\.json$|^chat_template\.jinja$|^[^/]+\.safetensors$/;

/** `owner/name`, as the hub's addresses have it. */
const REPOSITORY = /^[\w-][\w.-]*\/[\w-][\w.-]*$/;

/** What `text` names on a hub: a repository, and of owner/name:WANTED what is wanted of it. */
export function parseHubName(text: string): { repository: string; wanted?: string } | null {
  const colon = text.indexOf(':');
  const repository = colon < 0 ? text : text.slice(0, colon);
  if (!REPOSITORY.test(repository)) return null;
  if (colon < 0) return { repository };
  const wanted = text.slice(colon + 1);
  return wanted === '' ? null : { repository, wanted };
}

/**
 * Brings the checkpoint `repository` into `folder`. What is there whole is left
 * alone, what is there in part continues where it stopped. Files that the hub knows
 * the SHA-256 of are checked against it.
 */
export async function downloadCheckpoint(
  repository: string,
  folder: string,
  options: DownloadOptions = {},
): Promise<void> {
  const files = await filesOf(repository, options, false);
  const needed = files.filter(({ path }) => NEEDED.test(path));
  if (!needed.some(({ path }) => path.endsWith('.safetensors'))) {
    const gguf = files.filter(({ path }) => isGgufName(path)).map(({ path }) => path);
    throw new Error(
      gguf.length === 0
        ? `${repository} has neither .safetensors nor .gguf: other weight formats are not supported`
        : `${repository} has GGUF files: name one of them as ${repository}:FILE, of ${gguf.join(', ')}`,
    );
  }
  await download(repository, needed, folder, options);
}

/**
 * Brings one GGUF file of `repository` into `folder`, by its path or its
 * quantisation, and returns where it lies.
 */
export async function downloadGguf(
  repository: string,
  wanted: string,
  folder: string,
  options: DownloadOptions = {},
): Promise<string> {
  const files = await filesOf(repository, options, true);
  const paths = files.map(({ path }) => path);
  const chosen = chooseGguf(paths, wanted);
  const file = files.filter(({ path }) => path === chosen);
  await download(repository, file, folder, options);
  return join(folder, basename(chosen));
}

function sourceOf(repository: string, options: DownloadOptions) {
  return {
    repo: { type: 'model' as const, name: repository },
    revision: options.revision ?? 'main',
    ...(options.hubUrl ? { hubUrl: options.hubUrl } : {}),
    ...(options.accessToken ? { accessToken: options.accessToken } : {}),
  };
}

async function filesOf(
  repository: string,
  options: DownloadOptions,
  recursive: boolean,
): Promise<ListFileEntry[]> {
  if (!REPOSITORY.test(repository)) {
    throw new Error(`"${repository}" is neither a folder nor a model's owner/name`);
  }
  const files: ListFileEntry[] = [];
  try {
    for await (const file of listFiles({ ...sourceOf(repository, options), recursive })) {
      if (file.type === 'file') files.push(file);
    }
  } catch (error) {
    // What fetch throws where nothing answers; the hub's own refusals are errors of another kind.
    if (!(error instanceof TypeError)) throw error;
    throw new Error(
      `${options.hubUrl ?? 'https://huggingface.co'} can't be reached to download ${repository}: ` +
        'check the network, or name a .gguf file or a folder on this machine',
      { cause: error },
    );
  }
  return files;
}

async function download(
  repository: string,
  files: readonly ListFileEntry[],
  folder: string,
  options: DownloadOptions,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const file of files) {
    const finished = join(folder, basename(file.path));
    if (!existsSync(finished) || statSync(finished).size !== file.size) {
      const source = { ...sourceOf(repository, options), path: file.path, xet: false };
      const blob = await downloadFile(source);
      if (!blob) throw new Error(`${repository} lists ${file.path} but does not give it`);
      await receive(blob, file, finished, (done) => options.onProgress?.(before + done, total));
    }
    before += file.size;
    options.onProgress?.(before, total);
  }
}

async function receive(
  blob: Blob,
  file: ListFileEntry,
  finished: string,
  onProgress: (done: number) => void,
): Promise<void> {
  const partial = join(dirname(finished), `.${basename(finished)}.partial`);
  let done = existsSync(partial) ? statSync(partial).size : 0;
  if (done > blob.size) {
    rmSync(partial);
    done = 0;
  }
  const target = await open(partial, 'a');
  try {
    const reader = blob.slice(done).stream().getReader();
    for (;;) {
      const { value, done: over } = await reader.read();
      if (over) break;
      await target.write(value);
      done += value.length;
      onProgress(done);
    }
  } finally {
    await target.close();
  }
  if (done !== file.size) {
    throw new Error(
      `${file.path} broke off at ${done} of ${file.size} bytes: run the command again`,
    );
  }
  if (file.lfs && (await sha256(partial)) !== file.lfs.oid) {
    rmSync(partial);
    throw new Error(`${file.path} is not what the hub says it is: run the command again`);
  }
  renameSync(partial, finished);
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}
