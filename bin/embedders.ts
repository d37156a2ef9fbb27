/** Puts a BERT-style ONNX encoder of Hugging Face's form into the worker's bucket. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Manifest } from '../src/retrieve/embed/manifest.ts';
import { putFile } from './bucket.ts';

/** A BERT's positions, where its configuration doesn't say. */
const DEFAULT_TOKENS = 512;

/** The folder is no encoder; the message says why. */
export class EmbedderFailure extends Error {}

const nameOf = (folder: string) => basename(resolve(folder)).replace(/[^\w.-]/g, '-');

/** What EMBEDDER is to be set to for the encoder of that folder. */
export function settingOf(folder: string): string {
  return `onnx:${nameOf(folder)}`;
}

/** @param where 'remote', or the folder of a local state */
export function addEmbedder(folder: string, where: string): void {
  const name = nameOf(folder);
  const model = ['model.onnx', 'onnx/model.onnx'].find((path) => existsSync(join(folder, path)));
  if (!model || !existsSync(join(folder, 'tokenizer.json'))) {
    throw new EmbedderFailure(`${folder} needs model.onnx (or onnx/model.onnx) and tokenizer.json`);
  }
  const files = { model: join(folder, model), tokenizer: join(folder, 'tokenizer.json') };
  const staged = mkdtempSync(join(tmpdir(), 'espalier-embedder-'));
  try {
    const manifest = join(staged, 'manifest.json');
    writeFileSync(manifest, JSON.stringify(manifestOf(folder, name, files)));
    putFile(where, `embedders/${name}/model.onnx`, files.model);
    putFile(where, `embedders/${name}/tokenizer.json`, files.tokenizer);
    // Last: with it the encoder is there.
    putFile(where, `embedders/${name}/manifest.json`, manifest);
  } finally {
    rmSync(staged, { recursive: true });
  }
}

/** A manifest.json of the folder's own, or one made of sentence-transformers' files. */
function manifestOf(folder: string, name: string, paths: { model: string; tokenizer: string }) {
  const files = { model: sha256(paths.model), tokenizer: sha256(paths.tokenizer) };
  const given = readJson(folder, 'manifest.json');
  if (given) return { ...given, files };
  const config = readJson(folder, 'config.json');
  const pooling = readJson(folder, '1_Pooling/config.json');
  const sentence = readJson(folder, 'sentence_bert_config.json');
  const prompts = readJson(folder, 'config_sentence_transformers.json')?.prompts;
  const dimensions = pooling?.word_embedding_dimension ?? config?.hidden_size;
  if (!Number.isInteger(dimensions)) {
    throw new EmbedderFailure(`${folder}/config.json has no hidden_size: add a manifest.json`);
  }
  const manifest: Manifest = {
    // The weights' own name: another training of the same name is another encoder.
    id: `${name}:${files.model.slice(0, 12)}`,
    dimensions,
    pooling: pooling?.pooling_mode_cls_token ? 'cls' : 'mean',
    maxTokens: sentence?.max_seq_length ?? config?.max_position_embeddings ?? DEFAULT_TOKENS,
    queryPrefix: prompts?.query ?? '',
    passagePrefix: prompts?.passage ?? prompts?.document ?? '',
    files,
  };
  return manifest;
}

// biome-ignore lint/suspicious/noExplicitAny: other people's files, each field of which is checked or has a default.
function readJson(folder: string, path: string): Record<string, any> | undefined {
  const file = join(folder, path);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
