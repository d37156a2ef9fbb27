/** `usage` of an answer, with what drafting did where the request asks for it. */
import type { Answer } from '../generate/answer.ts';
import type { SpeculationRequest } from './request-fields.ts';

export function usageOf(answer: Answer, { stats, transfer }: SpeculationRequest) {
  const completion = answer.speculation.tokens;
  return {
    prompt_tokens: answer.promptTokens,
    completion_tokens: completion,
    total_tokens: answer.promptTokens + completion,
    prompt_tokens_details: { cached_tokens: answer.cachedTokens },
    ...((stats || transfer > 0) && {
      speculation: {
        ...answer.speculation.usage(),
        draft_model: answer.draftModel(),
        ...(transfer > 0 && { lossy: 'transfer' }),
      },
    }),
  };
}
