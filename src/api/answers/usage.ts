/** `usage` of what a request was answered with, and what drafting did where the request asks for it. */
import { SOURCE_NAMES, Source } from '../../draft/source.ts';
import type { Answer } from '../../generate/answer.ts';
import { namedCounts } from '../../generate/answer-stats.ts';
import { isLossy } from '../../link/protocol/index.ts';
import type { SpeculationFields } from './speculation-fields.ts';

interface UsageFields {
  speculation: SpeculationFields;
  stream_options?: { include_usage: boolean } | null | undefined;
}

/** Whether a stream ends with the usage. */
export function streamsUsage({ stream_options, speculation }: UsageFields): boolean {
  return stream_options?.include_usage || tells(speculation);
}

/** @param n answers of each prompt, which follow one another: a prompt counts once */
export function usageOf(
  answers: readonly Answer[],
  speculation: SpeculationFields,
  n = answers.length,
) {
  const usages = answers.map((answer) => answer.usage());
  const prompts = usages.filter((_, i) => i % n === 0);
  const prompt = sum(prompts.map(({ promptTokens }) => promptTokens));
  const completion = sum(usages.map(({ completionTokens }) => completionTokens));
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...detailsOf(usages),
    prompt_tokens_details: { cached_tokens: sum(prompts.map(({ cachedTokens }) => cachedTokens)) },
    ...(tells(speculation) && {
      speculation: {
        ...draftingUsage(answers),
        draft_model: draftModelUsage(usages),
        ...lossOf(answers, speculation),
      },
    }),
  };
}

/** Whether the usage says how the answer was drafted: on request, and always where it may not be the target's own. */
function tells({ stats, transfer, accept }: SpeculationFields): boolean {
  return stats || transfer > 0 || isLossy(accept);
}

/** What may have moved the answers away from the target's own, and how often it did. */
function lossOf(answers: readonly Answer[], { transfer, accept }: SpeculationFields) {
  const moves = transfer > 0 && answers.some(({ samples }) => samples);
  const names = [...(moves ? ['transfer'] : []), ...(isLossy(accept) ? [accept] : [])];
  if (names.length === 0) return {};
  const stats = answers.map((answer) => answer.stats);
  const committed = sum(stats.flatMap(({ bySource }) => [...bySource]));
  const moved = sum(stats.map((one) => one.moved)) / Math.max(1, committed);
  const deviations = sum(stats.map((one) => one.deviations));
  return {
    lossy: names.join(', '),
    ...(moves && { moved }),
    ...(isLossy(accept) && { deviations, deviation_rate: deviations / Math.max(1, committed) }),
  };
}

type Usage = ReturnType<Answer['usage']>;

/** Of a model that thinks, and of a request with a prediction, which has one answer. */
function detailsOf(usages: readonly Usage[]) {
  const prediction = usages[0]?.prediction;
  const reasons = usages.some(({ reasoningTokens }) => reasoningTokens !== null);
  if (!prediction && !reasons) return {};
  return {
    completion_tokens_details: {
      ...(reasons && { reasoning_tokens: reasoningTokens(usages) }),
      ...(prediction && {
        accepted_prediction_tokens: prediction.accepted,
        rejected_prediction_tokens: prediction.rejected,
      }),
    },
  };
}

function reasoningTokens(usages: readonly Usage[]): number {
  return sum(usages.map((usage) => usage.reasoningTokens ?? 0));
}

function draftingUsage(answers: readonly Answer[]) {
  const stats = answers.map((answer) => answer.stats);
  const counts = SOURCE_NAMES.map((_, source) => sum(stats.map((one) => one.bySource[source]!)));
  const steps = sum(stats.map((one) => one.steps));
  const committed = sum(counts);
  return {
    steps,
    drafted: sum(stats.map((one) => one.drafted)),
    accepted: committed - counts[Source.target]!,
    mean_accepted: steps === 0 ? 0 : committed / steps,
    by_source: namedCounts(counts),
  };
}

/** Passes and milliseconds of all together; what it read and how it ended in the first answer that had it. */
function draftModelUsage(usages: readonly Usage[]) {
  const used = usages.flatMap(({ draftModel }) => draftModel ?? []);
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
