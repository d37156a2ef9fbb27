/**
 * The target model as the worker knows it. The verifier is the source of truth;
 * its tokenizer.json is kept in R2 under its hash, the finished record in the
 * isolate's memory.
 */
import * as v from 'valibot';
import { type Bindings, verifierUrls } from '../bindings.ts';
import { ACCEPT_RULES, LOSSY_ACCEPT, type ModelDescription } from '../link/protocol/index.ts';
import { sha256 } from '../store/ids.ts';
import { createTokenizer, type ModelTokenizer } from './tokenizer.ts';

const hexHash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be a hex sha256'));
const positive = v.pipe(v.number(), v.integer(), v.minValue(1));

const descriptionSchema: v.GenericSchema<unknown, ModelDescription> = v.object({
  id: v.string(),
  fingerprint: v.object({ model: hexHash, tokenizer: hexHash }),
  maxContext: positive,
  trainedContext: positive,
  exact: v.optional(v.boolean()),
  acceptRules: v.optional(v.array(v.picklist(ACCEPT_RULES))),
  lossyRules: v.optional(v.array(v.picklist(LOSSY_ACCEPT))),
  eosIds: v.array(v.pipe(v.number(), v.integer(), v.minValue(0))),
  generation: v.record(v.string(), v.unknown()),
  prompt: v.object({
    instruction: v.string(),
    passages: positive,
    passageTokens: positive,
    passageHeader: v.string(),
    refusal: v.string(),
  }),
});

export type ModelRecord = ModelDescription & ModelTokenizer;

/** The verifier did not answer, or not with a model this worker can use. */
export class ModelUnavailable extends Error {
  override readonly name = 'ModelUnavailable';
}

const DESCRIPTION_TIMEOUT_MS = 3_000;
const FILES_TIMEOUT_MS = 30_000;
/**
 * By verifier, so that two of them in one isolate don't mix. Only finished
 * records: a promise made by one request can't be awaited by another.
 */
const records = new Map<string, ModelRecord>();

/** The record, from memory where it is there. Throws `ModelUnavailable`. */
export async function loadModel(env: Bindings): Promise<ModelRecord> {
  return records.get(env.VERIFIER_URL) ?? reloadModel(env);
}

/**
 * Asks the verifier again: for health, and when a handshake says that the
 * fingerprints differ. Throws `ModelUnavailable`.
 */
export async function reloadModel(env: Bindings): Promise<ModelRecord> {
  const description = await describe(env);
  const known = records.get(env.VERIFIER_URL);
  // The model's has the chat template in it too.
  const same = known?.fingerprint.model === description.fingerprint.model ? known : undefined;
  const tokenizer = same ?? (await loadTokenizer(env, description.fingerprint.tokenizer));
  const record: ModelRecord = { ...tokenizer, ...description };
  records.set(env.VERIFIER_URL, record);
  return record;
}

async function describe(env: Bindings): Promise<ModelDescription> {
  const response = await ask(env, '/model', DESCRIPTION_TIMEOUT_MS);
  const body: unknown = await response.json().catch(() => undefined);
  const parsed = v.safeParse(descriptionSchema, body);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new ModelUnavailable(
    `${env.VERIFIER_URL}/model is not a verifier's description: ${v.getDotPath(issue) ?? 'body'}: ${issue.message}`,
  );
}

async function loadTokenizer(env: Bindings, fingerprint: string): Promise<ModelTokenizer> {
  const [tokenizer, config] = await Promise.all([
    loadTokenizerJson(env, fingerprint),
    // Small, and not covered by the fingerprint: never kept.
    ask(env, '/model/tokenizer_config.json', FILES_TIMEOUT_MS).then((r) => r.arrayBuffer()),
  ]);
  return createTokenizer(parseJson(tokenizer), parseJson(config));
}

async function loadTokenizerJson(env: Bindings, fingerprint: string): Promise<ArrayBuffer> {
  const key = `models/${fingerprint}/tokenizer.json`;
  const kept = await env.FILES.get(key);
  if (kept) return kept.arrayBuffer();
  const response = await ask(env, '/model/tokenizer.json', FILES_TIMEOUT_MS);
  const bytes = await response.arrayBuffer();
  if ((await sha256(bytes)) !== fingerprint) {
    throw new ModelUnavailable(
      `the verifier's tokenizer.json does not have the sha256 ${fingerprint} that it announces: restart the verifier`,
    );
  }
  await env.FILES.put(key, bytes);
  return bytes;
}

/** Asks one verifier after the other: they serve the same model. */
async function ask(env: Bindings, path: string, timeout: number): Promise<Response> {
  let failure: ModelUnavailable | undefined;
  for (const url of verifierUrls(env)) {
    try {
      const response = await fetch(url + path, { signal: AbortSignal.timeout(timeout) });
      if (response.ok) return response;
      failure = new ModelUnavailable(`the verifier answered ${response.status} to ${path}`);
    } catch (error) {
      failure = new ModelUnavailable(
        `the verifier at ${url} can't be reached: start it, or set VERIFIER_URL`,
        { cause: error },
      );
    }
  }
  throw failure;
}

function parseJson(bytes: ArrayBuffer): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}
