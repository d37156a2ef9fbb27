/** Whether an answer may begin with thoughts. */
import type { ModelRecord } from '../model/record.ts';
import { CLOSE, OPEN, Reasoning } from './reasoning.ts';
import type { GenerationRequest } from './request.ts';

/** Of the prompt, the tokens that its end is read from. */
const END_TOKENS = 8;

/** null for an answer that can't begin with thoughts: of a model without, a bare prompt's, or one that is held to a form. */
export function expectReasoning(
  model: ModelRecord,
  { input, grammar }: GenerationRequest,
  prompt: Int32Array,
): Reasoning | null {
  const isFree = !grammar || (grammar.kind === 'calls' && grammar.free);
  const thinks = model.templateSource.includes(CLOSE) || model.templateSource.includes(OPEN);
  if (input.kind !== 'conversation' || !isFree || !thinks) return null;
  const end = model.tokenizer.decode([...prompt.slice(-END_TOKENS)], {
    skip_special_tokens: false,
  });
  return new Reasoning(end.trimEnd().endsWith(OPEN));
}
