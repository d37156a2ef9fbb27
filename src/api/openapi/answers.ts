/** What chat and completions have in common, told to those who call them. */
import * as v from 'valibot';
import { SOURCE_NAMES } from '../../draft/source.ts';
import { speculationSchema } from '../answers/request-fields.ts';
import type { Component, Notes } from './operation.ts';
import { count, seconds } from './shared.ts';

const speculationUsage = v.object({
  steps: count,
  drafted: count,
  accepted: count,
  mean_accepted: v.number(),
  by_source: v.partial(v.object(Object.fromEntries(SOURCE_NAMES.map((name) => [name, count])))),
  draft_model: v.nullable(
    v.object({
      state: v.string(),
      passes: count,
      context_tokens: count,
      spent_ms: v.number(),
      saved_ms: v.number(),
    }),
  ),
  lossy: v.optional(v.string()),
});

export const usage = v.object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_tokens_details: v.object({ cached_tokens: count }),
  completion_tokens_details: v.optional(
    v.object({ accepted_prediction_tokens: count, rejected_prediction_tokens: count }),
  ),
  speculation: v.optional(speculationUsage),
});

export const finishReason = v.picklist(['stop', 'length']);

export const head = { id: v.string(), created: seconds, model: v.string() };

/** Of fields that both requests have. */
export const answerNotes = {
  model: 'The model that is served; may be left out.',
  stream: 'Answers as server-sent events.',
  stream_options: 'With `include_usage` the last chunk tells the usage.',
  temperature: 'The model’s own if left out. 0 takes the likeliest token.',
  top_p: 'Draws from the likeliest tokens that together have this probability.',
  top_k: 'Draws from so many of the likeliest tokens; 0 for all.',
  seed: 'The same seed gives the same text, with and without drafting.',
  stop: 'Ends the answer before the first of these.',
  frequency_penalty: 'Subtracted from a token’s logit for each time that the answer has it.',
  presence_penalty: 'Subtracted from a token’s logit once the answer has it.',
  logit_bias: 'Added to the logits of tokens, by their ids; −100 bans one, 100 leaves only such.',
  user: 'A label of the caller’s own. It changes nothing.',
  safety_identifier: 'A label of the caller’s own. It changes nothing.',
  prompt_cache_key: 'A label of the caller’s own. Prompts that begin alike are known without it.',
  metadata: 'Labels of the caller’s own. They change nothing.',
  speculation: 'How the answer is drafted, and what is told about it.',
};

const speculationNotes: Notes<typeof speculationSchema> = {
  mode: '`on` drafts, `off` does not; the others are for comparison.',
  budget: 'The most nodes of a draft tree.',
  memory: '`false`: nothing is drafted from earlier answers, and nothing kept of this one.',
  recycle: 'Drafts from the target’s guesses at every verified token too.',
  transfer:
    'How much the draft model moves the target. Above 0 the text is no longer the target’s own.',
  draft_model: 'Whether the draft model in the worker takes part.',
  stats: 'Adds `usage.speculation`.',
  trace: 'Adds `espalier`: passages, tokens with their sources, steps.',
};

export const answerComponents: Readonly<Record<string, Component>> = {
  Speculation: { schema: speculationSchema, notes: speculationNotes },
  Usage: {
    schema: usage,
    notes: {
      prompt_tokens_details: 'Of the prompt, what the verifier had in its cache.',
      completion_tokens_details: 'Of the prediction, what the answer has and what it has not.',
    },
  },
  SpeculationUsage: {
    schema: speculationUsage,
    notes: {
      steps: 'Forward passes of the target after prefill.',
      drafted: 'Candidate tokens verified.',
      accepted: 'Of them, tokens accepted.',
      mean_accepted: 'Tokens committed per step, the target’s own included.',
      by_source: 'Tokens committed by what proposed them.',
      lossy: 'What moved the answer away from the target’s own, if anything did.',
    },
  },
};
