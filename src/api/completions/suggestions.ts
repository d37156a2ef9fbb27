/** POST /v1/completions with `suggest`: short continuations by the draft model alone, and marked as its own. */
import type { Context } from 'hono';
import * as v from 'valibot';
import { MAX_DRAFT_TOKENS } from '../../draft/superposed.ts';
import { refreshDraft } from '../../generate/draft-model/isolate-draft.ts';
import { NoDraftModel, suggest, TooManySuggestions } from '../../generate/suggest.ts';
import type { ModelRecord } from '../../model/record.ts';
import { newId } from '../../store/ids.ts';
import { answerFailure } from '../answers/failure.ts';
import { requireStores } from '../answers/grounding.ts';
import { stopsOf } from '../answers/sampling.ts';
import { speculationSchema } from '../answers/speculation-fields.ts';
import type { AppEnv } from '../context.ts';
import { invalid, unavailable } from '../errors.ts';
import { requireModel } from '../instance/route.ts';
import type { CompletionRequest } from './schema.ts';
import { fieldPaths, promptsOf, type RawPrompt } from './to-generation.ts';

/** What would change nothing, as suggestions are neither drawn at random nor verified, and the value that asks for nothing. */
const UNUSED = {
  temperature: 0,
  top_p: 1,
  top_k: 0,
  seed: null,
  frequency_penalty: 0,
  presence_penalty: 0,
  logit_bias: null,
  logprobs: null,
  stream_options: null,
} as const;
const DEFAULTS = v.parse(speculationSchema, {});

export async function createSuggestions(
  c: Context<AppEnv>,
  body: CompletionRequest,
  target: ModelRecord,
) {
  if (body.model !== undefined) requireModel(target, body.model);
  const prompts = await promptsOf(body, target).catch((error: unknown) => {
    throw suggestFailure(error, body);
  });
  requireSuggestible(body, prompts);
  const prompt = prompts[0]!;
  const tenant = c.get('tenant');
  const { model, suggestions } = await suggest(c.env, tenant, target, {
    prompt: prompt.tokens,
    storeIds: await requireStores(c.env, tenant, body.vector_store_ids),
    memory: body.speculation.memory,
    drafts: body.n,
    maxTokens: body.max_tokens,
    stop: stopsOf(body.stop),
  }).catch((error: unknown) => {
    throw suggestFailure(error, body);
  });
  // Nothing else looks for a newer draft model where nobody chats.
  c.executionCtx.waitUntil(refreshDraft(c.env, target));
  const completion = suggestions.reduce((sum, { tokens }) => sum + tokens, 0);
  return c.json({
    id: newId('cmpl-'),
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model,
    suggestion: true,
    choices: suggestions.map(({ text, finish }, index) => ({
      text: (body.echo ? prompt.text : '') + text,
      index,
      logprobs: null,
      finish_reason: finish,
    })),
    usage: {
      prompt_tokens: prompt.tokens.length,
      completion_tokens: completion,
      total_tokens: prompt.tokens.length + completion,
      prompt_tokens_details: { cached_tokens: 0 },
    },
  });
}

/** Throws the `ApiFailure` that names what suggestions don't have. */
function requireSuggestible(body: CompletionRequest, prompts: readonly RawPrompt[]): void {
  if (prompts.length > 1) throw invalid(['prompt'], 'one at a time with suggest');
  if (body.max_tokens > MAX_DRAFT_TOKENS) {
    throw invalid(['max_tokens'], `at most ${MAX_DRAFT_TOKENS} with suggest`);
  }
  if (body.stream) throw invalid(['stream'], 'suggestions come whole: leave it out');
  for (const [name, nothing] of Object.entries(UNUSED)) {
    const field = name as keyof typeof UNUSED;
    if (body[field] != null && body[field] !== nothing) {
      throw invalid([field], 'changes nothing about suggestions: leave it out');
    }
  }
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    if (name === 'memory' || body.speculation[name] === DEFAULTS[name]) continue;
    throw invalid(['speculation', name], 'suggestions are not verified: leave it out');
  }
}

function suggestFailure(error: unknown, body: CompletionRequest): unknown {
  if (error instanceof NoDraftModel) return unavailable(error.message);
  if (error instanceof TooManySuggestions) {
    return unavailable('as many suggestions are being made as may be at a time: try again');
  }
  return answerFailure(error, fieldPaths(body));
}
