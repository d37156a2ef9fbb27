/** Live: this worker answers. Ready: it can also answer questions. */
import { Hono } from 'hono';
import { type Bindings, verifierUrls } from '../../bindings.ts';
import { refreshDraft } from '../../generate/draft-model/isolate-draft.ts';
import type { DraftModelState } from '../../generate/draft-model/served-draft.ts';
import { loadModel, reloadModel } from '../../model/record.ts';
import { embedderState } from '../../retrieve/embed/choose.ts';
import { wakeToPrepare } from '../../retrieve/wake.ts';
import { probe } from '../../store/database.ts';
import { demoProgress } from '../../store/demo.ts';
import { loggable } from '../../store/loggable.ts';
import { messageOf } from '../../store/message-of.ts';
import { preparedFor } from '../../store/tokens.ts';
import { beingRead } from '../answers/grounding.ts';
import type { AppEnv } from '../context.ts';
import { isLocal } from '../middleware/authenticate.ts';

type Check = { ok: true; [fact: string]: unknown } | { ok: false; reason: string };
type Checks = { database: Check; verifier: Check; documents: Check };

/** What answers need, and what is being prepared beside them; null where that is not known. */
interface Report {
  checks: Checks;
  passages: object | null;
}

/** How old the report to others than the worker's own machine may be: their requests cost no more than one look in that time. */
const KEPT_MS = 1_000;

/** The last report to others, and when its facts were last looked up. */
let kept: { at: number; report: Report } | null = null;

export const live = new Hono<AppEnv>();

live.get('/', function isLive(c) {
  return c.json({ status: 'ok' });
});

export const health = new Hono<AppEnv>();

health.get('/ready', async function ready(c) {
  const { checks } = await checkAll(c.env, isLocal(c));
  const ok = isReady(checks);
  return c.json({ status: ok ? 'ok' : 'unavailable', checks }, ok ? 200 : 503);
});

health.get('/', async function both(c) {
  const { checks, passages } = await checkAll(c.env, isLocal(c));
  const ok = isReady(checks);
  // Answers do without the one, searches by words without the other: they make nothing unready.
  const draft_model = checks.verifier.ok ? await checkDraftModel(c.env) : null;
  const embedder = await embedderState(c.env);
  const status = ok ? 'ok' : 'degraded';
  return c.json({ status, live: true, ready: ok, checks, draft_model, embedder, passages });
});

function isReady(checks: Checks): boolean {
  return Object.values(checks).every((check) => check.ok);
}

/** `local`: whether addresses may be shown. Nobody else needs them, and no key is asked for here. */
async function checkAll(env: Bindings, local: boolean): Promise<Report> {
  if (!local && kept) {
    if (Date.now() - kept.at < KEPT_MS) return kept.report;
    // Whoever asks while this looks gets the last report.
    kept.at = Date.now();
  }
  const [database, verifier, documents] = await Promise.all([
    checkDatabase(env),
    checkVerifier(env, local),
    checkDocuments(env),
  ]);
  const passages = verifier.ok && database.ok ? await checkPassages(env, local) : null;
  const report = { checks: { database, verifier, documents }, passages };
  if (!local) kept = { at: Date.now(), report };
  return report;
}

async function checkDatabase(env: Bindings): Promise<Check> {
  try {
    await probe(env);
    return { ok: true };
  } catch (error) {
    return { ok: false, reason: `D1: ${messageOf(error)}; apply the migrations` };
  }
}

/** Of a first start: whether its documents are read. */
async function checkDocuments(env: Bindings): Promise<Check> {
  try {
    const progress = await demoProgress(env);
    return progress ? { ok: false, reason: beingRead(progress), ...progress } : { ok: true };
  } catch (error) {
    return { ok: false, reason: `D1: ${messageOf(error)}` };
  }
}

/** The model it serves, and the figures of its own /health where it has one. */
async function checkVerifier(env: Bindings, local: boolean): Promise<Check> {
  try {
    const started = Date.now();
    const model = await reloadModel(env);
    const roundTripMs = Date.now() - started;
    if (model.templateFault !== null) return { ok: false, reason: unreadable(model.templateFault) };
    return {
      ok: true,
      ...(local ? { url: env.VERIFIER_URL } : {}),
      model: model.id,
      fingerprint: model.fingerprint,
      exact: model.exact,
      round_trip_ms: roundTripMs,
      figures: await figures(env),
    };
  } catch (error) {
    if (local) return { ok: false, reason: messageOf(error) };
    console.error(JSON.stringify({ event: 'no_verifier', cause: messageOf(error) }));
    return { ok: false, reason: "the verifier can't be used: the worker's log says why" };
  }
}

function unreadable(fault: string): string {
  return (
    `the model's chat template can't be read (${fault}), so that chats are refused: ` +
    'put a chat_template.jinja beside its tokenizer.json'
  );
}

/** The draft model's state, made if it was not yet. */
async function checkDraftModel(env: Bindings): Promise<DraftModelState | null> {
  try {
    return await refreshDraft(env, await loadModel(env));
  } catch {
    return null;
  }
}

/** Tenants whose documents are prepared next; others follow when these are done. */
const WOKEN_TOGETHER = 8;

/**
 * Whether all documents have token ids of the served model's tokenizer. Those that have
 * none get them from now on. How many there are is nobody else's business.
 */
async function checkPassages(env: Bindings, local: boolean): Promise<object | null> {
  try {
    const { tokenizer } = (await loadModel(env)).fingerprint;
    const { documents, stores, behind } = await preparedFor(env, tokenizer);
    if (behind.length === 0) return { state: 'ready' };
    for (const tenantId of behind.slice(0, WOKEN_TOGETHER)) {
      await wakeToPrepare(env, tenantId, tokenizer);
    }
    const share = documents.ready / documents.of;
    return { state: 'preparing', share, ...(local && { documents, stores }) };
  } catch (error) {
    console.error(JSON.stringify({ event: 'passages_not_counted', error: loggable(error) }));
    return null;
  }
}

const FIGURES_TIMEOUT_MS = 2_000;

async function figures(env: Bindings): Promise<unknown> {
  try {
    const signal = AbortSignal.timeout(FIGURES_TIMEOUT_MS);
    const response = await fetch(`${verifierUrls(env)[0]}/health`, { signal });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
