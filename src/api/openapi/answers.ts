/** What chat and completions have in common, told to those who call them. */
import * as v from 'valibot';
import { SOURCE_NAMES } from '../../draft/source.ts';
import { speculationSchema } from '../answers/request-fields.ts';
import type { Component } from './operation.ts';
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

export const answerComponents: Readonly<Record<string, Component>> = {
  Speculation: { schema: speculationSchema },
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
