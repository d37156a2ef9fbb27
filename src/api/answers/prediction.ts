/** OpenAI's `prediction`: text that the answer is expected to have, which is drafted from and changes nothing. */
import * as v from 'valibot';
import { MAX_PREDICTION_TOKENS } from '../../generate/drafting-plan.ts';
import type { ModelRecord } from '../../model/record.ts';
import { TooManyTokens } from '../../model/token-list.ts';
import { invalid } from '../errors.ts';

/** A longer text is refused unread, for tokenizers that can't tell a lower bound of their tokens. */
const MAX_PREDICTION_LENGTH = 64 * MAX_PREDICTION_TOKENS;

const part = v.strictObject({
  type: v.literal('text', 'only parts of type "text" are supported'),
  text: v.string('must be a string'),
});

export const prediction = v.nullish(
  v.strictObject({
    type: v.literal('content', 'only "content" is supported'),
    content: v.union(
      [v.string(), v.array(part)],
      'must be a string or a list of {"type": "text", "text": …} parts',
    ),
  }),
);

interface Predicting {
  prediction?: v.InferOutput<typeof prediction>;
  n?: number | null;
}

/** The tokens that are predicted; null for none. Throws the `ApiFailure` of more than are taken. */
export async function predictionOf(
  { prediction, n }: Predicting,
  model: ModelRecord,
): Promise<Int32Array | null> {
  if (!prediction) return null;
  if ((n ?? 1) > 1) throw invalid(['n'], 'only 1 beside a prediction, which is of one answer');
  const { content } = prediction;
  const text = typeof content === 'string' ? content : content.map((one) => one.text).join('');
  if (text.length > MAX_PREDICTION_LENGTH) throw tooLong(`${text.length} characters`);
  try {
    return await model.encodeRendered(model.neutralise(text), MAX_PREDICTION_TOKENS, true);
  } catch (error) {
    throw error instanceof TooManyTokens ? tooLong(`at least ${error.least} tokens`) : error;
  }
}

function tooLong(size: string) {
  return invalid(
    ['prediction'],
    `${size}, but at most ${MAX_PREDICTION_TOKENS} tokens: send what comes first`,
  );
}
