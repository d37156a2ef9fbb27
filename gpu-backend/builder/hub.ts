/** Downloads a checkpoint from a Hugging Face hub: only the files that are needed, resumable, verified. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { downloadFile, type ListFileEntry, listFiles } from '@huggingface/hub';

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

export function isRepositoryName(text: string): boolean {
  return REPOSITORY.test(text);
}

/**
 * Brings `repository` into `folder`. What is there whole is left alone, what is
 * there in part goes on where it stopped. Files that the hub knows the SHA-256 of
 * are checked against it.
 */
export async function downloadCheckpoint(
  repository: string,
  folder: string,
  options: DownloadOptions = {},
): Promise<void> {
  if (!isRepositoryName(repository)) {
    throw new Error(`"${repository}" is neither a folder nor a model's owner/name`);
  }
  const source = {
    repo: { type: 'model' as const, name: repository },
    revision: options.revision ?? 'main',
    ...(options.hubUrl ? { hubUrl: options.hubUrl } : {}),
    ...(options.accessToken ? { accessToken: options.accessToken } : {}),
  };
  const files: ListFileEntry[] = [];
  for await (const file of listFiles(source)) {
    if (file.type === 'file' && NEEDED.test(file.path)) files.push(file);
  }
  if (!files.some(({ path }) => path.endsWith('.safetensors'))) {
    throw new Error(`${repository} has no .safetensors: other weight formats are not supported`);
  }
  mkdirSync(folder, { recursive: true });
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const file of files) {
    const finished = join(folder, file.path);
    if (!existsSync(finished) || statSync(finished).size !== file.size) {
      const blob = await downloadFile({ ...source, path: file.path, xet: false });
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
  const partial = join(dirname(finished), `.${file.path}.partial`);
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
