/** The embedder that is configured, made once an isolate, on first use. */
import bundled from '../../../models/embedder/manifest.json';
import type { Bindings } from '../../bindings.ts';
import { messageOf } from '../../store/message-of.ts';
import type { Embedder } from './embedder.ts';
import { assetFile, bucketFile, loadOnnxEmbedder, readManifest } from './load.ts';
import type { Manifest } from './manifest.ts';
import { createWorkersAiEmbedder } from './workers-ai.ts';

export type EmbedderState =
  | { state: 'ready'; id: string; dimensions: number; load_ms: number }
  | { state: 'off' }
  /** Searches go by words alone, and what is ingested gets its vectors later. */
  | { state: 'failed'; reason: string };

/** A failure may pass: it is tried again after this long. */
const RETRY_MS = 30_000;

type Outcome = { embedder: Embedder; loadMs: number } | { reason: string; at: number };

/** By setting. Finished only: a promise made by one request can't be awaited by another. */
const outcomes = new Map<string, Outcome>();

/** Null without one, or while it can't be had. Never rejects: everything continues without. */
export async function embedderOf(env: Bindings): Promise<Embedder | null> {
  const { EMBEDDER = 'bundled' } = env;
  if (EMBEDDER === 'none') return null;
  const known = outcomes.get(EMBEDDER);
  if (known && ('embedder' in known || Date.now() < known.at + RETRY_MS)) {
    return 'embedder' in known ? known.embedder : null;
  }
  const outcome = await tryToMake(env, EMBEDDER);
  // Of two that loaded at once the first stays.
  const first = outcomes.get(EMBEDDER);
  if (first && 'embedder' in first) return first.embedder;
  outcomes.set(EMBEDDER, outcome);
  return 'embedder' in outcome ? outcome.embedder : null;
}

/** For /health: makes the embedder if it was not yet. */
export async function embedderState(env: Bindings): Promise<EmbedderState> {
  const { EMBEDDER = 'bundled' } = env;
  if (EMBEDDER === 'none') return { state: 'off' };
  await embedderOf(env);
  const outcome = outcomes.get(EMBEDDER)!;
  if ('reason' in outcome) return { state: 'failed', reason: outcome.reason };
  const { id, dimensions } = outcome.embedder;
  return { state: 'ready', id, dimensions, load_ms: outcome.loadMs };
}

async function tryToMake(env: Bindings, setting: string): Promise<Outcome> {
  const started = Date.now();
  try {
    const embedder = await make(env, setting);
    return { embedder, loadMs: Date.now() - started };
  } catch (error) {
    const reason = messageOf(error);
    console.error(JSON.stringify({ event: 'embedder_failed', error: reason }));
    return { reason, at: Date.now() };
  }
}

const HOW = 'set it to "bundled", "none", "onnx:<name>" or "workers-ai:<model>"';

async function make(env: Bindings, setting: string): Promise<Embedder> {
  if (setting === 'bundled') {
    return loadOnnxEmbedder(bundled as Manifest, assetFile(env, 'embedder'));
  }
  const [, kind, name] = /^(onnx|workers-ai):(.+)$/.exec(setting) ?? [];
  if (kind === 'onnx') {
    const read = bucketFile(env, name!);
    return loadOnnxEmbedder(await readManifest(read), read);
  }
  if (kind === 'workers-ai') {
    if (env.AI) return createWorkersAiEmbedder(env.AI, name!);
    throw new Error('EMBEDDER names Workers AI and there is no binding: add [ai] binding = "AI"');
  }
  throw new Error(`EMBEDDER is "${setting}": ${HOW}`);
}
