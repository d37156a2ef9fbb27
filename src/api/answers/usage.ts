/** `usage` of what a request was answered with, and what drafting did where the request asks for it. */
import type { Answer } from '../../generate/answer.ts';
import { Speculation } from '../../generate/speculation.ts';
import type { SpeculationRequest } from './request-fields.ts';

/** @param n answers of each prompt, which follow one another: a prompt counts once */
export function usageOf(
  answers: readonly Answer[],
  { stats, transfer }: SpeculationRequest,
  n = answers.length,
) {
  const prompts = answers.filter((_, i) => i % n === 0);
  const speculation = Speculation.together(answers.map((answer) => answer.speculation));
  const prompt = sum(prompts.map(({ promptTokens }) => promptTokens));
  const completion = speculation.tokens;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...predictionOf(answers),
    prompt_tokens_details: { cached_tokens: sum(prompts.map(({ cachedTokens }) => cachedTokens)) },
    ...((stats || transfer > 0) && {
      speculation: {
        ...speculation.usage(),
        draft_model: draftModelOf(answers),
        ...(transfer > 0 && { lossy: 'transfer' }),
      },
    }),
  };
}

/** Of a request with a prediction. There is one answer then. */
function predictionOf([answer]: readonly Answer[]) {
  if (!answer?.predicted) return {};
  const { accepted, rejected } = answer.predicted;
  return {
    completion_tokens_details: {
      accepted_prediction_tokens: accepted,
      rejected_prediction_tokens: rejected,
    },
  };
}

/** Passes and milliseconds of all together; what it read and how it ended in the first answer that had it. */
function draftModelOf(answers: readonly Answer[]) {
  const used = answers.flatMap((answer) => answer.draftModel() ?? []);
  if (used.length === 0) return null;
  return {
    state: used[0]!.state,
    passes: sum(used.map(({ passes }) => passes)),
    context_tokens: used[0]!.context_tokens,
    spent_ms: sum(used.map(({ spent_ms }) => spent_ms)),
    saved_ms: sum(used.map(({ saved_ms }) => saved_ms)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
