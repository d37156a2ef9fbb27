/** An encoder's files to an `Embedder`: fetched by a binding, checked, made into a session. */
import * as v from 'valibot';
import type { Bindings } from '../../bindings.ts';
import { createSession } from '../../onnx/runtime.ts';
import { sha256 } from '../../store/ids.ts';
import type { Embedder } from './embedder.ts';
import { type Manifest, manifestSchema } from './manifest.ts';
import { createOnnxEmbedder } from './onnx-embedder.ts';

/** Reads `model.onnx` or `tokenizer.json`. Throws with where it looked. */
export type ReadFile = (name: string) => Promise<ArrayBuffer>;

/** Throws when a file is missing or is not the one that the manifest names. */
export async function loadOnnxEmbedder(manifest: Manifest, read: ReadFile): Promise<Embedder> {
  const [model, tokenizer] = await Promise.all([
    readChecked(read, 'model.onnx', manifest.files.model),
    readChecked(read, 'tokenizer.json', manifest.files.tokenizer),
  ]);
  const session = await createSession(model);
  return createOnnxEmbedder(manifest, session, JSON.parse(new TextDecoder().decode(tokenizer)));
}

async function readChecked(read: ReadFile, name: string, expected: string): Promise<ArrayBuffer> {
  const bytes = await read(name);
  const found = await sha256(bytes);
  if (found === expected) return bytes;
  throw new Error(
    `${name} has the sha256 ${found}, the encoder's manifest says ${expected}: deploy both together`,
  );
}

/**
 * From the static assets, which are deployed with the worker and beside its
 * script: weights in the script would count against its size and its start.
 */
export function assetFile({ ASSETS }: Bindings, folder: string): ReadFile {
  return async function readAsset(name) {
    // A binding has no host: any will do.
    const response = await ASSETS.fetch(`https://assets/${folder}/${name}`);
    if (response.ok) return response.arrayBuffer();
    await response.body?.cancel();
    throw new Error(`the asset ${folder}/${name} answered ${response.status}: is it in web/?`);
  };
}

/** From R2, where `npx espalier embedder add` puts encoders of one's own. */
export function bucketFile({ FILES }: Bindings, name: string): ReadFile {
  return async function readObject(file) {
    const key = `embedders/${name}/${file}`;
    const object = await FILES.get(key);
    if (object) return object.arrayBuffer();
    throw new Error(`R2 has no ${key}: add the encoder with npx espalier embedder add`);
  };
}

/** Throws with the field that is wrong. */
export async function readManifest(read: ReadFile): Promise<Manifest> {
  const text = new TextDecoder().decode(await read('manifest.json'));
  const parsed = v.safeParse(manifestSchema, JSON.parse(text));
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new Error(`the encoder's manifest.json: ${v.getDotPath(issue) ?? ''}: ${issue.message}`);
}
