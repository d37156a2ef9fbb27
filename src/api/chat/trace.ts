/** What `speculation.trace` tells of an answer’s steps. */
import type { Step } from '../../generate/text-stream.ts';

export function traceOf(steps: readonly Step[]) {
  const promptRead = steps.at(-1)?.promptRead;
  return {
    ...(promptRead && { prompt_read: promptRead }),
    tokens: steps.flatMap(({ thoughts = [], pieces }) => [
      ...thoughts.map(({ text, source }) => ({ text, source, thought: true })),
      ...pieces.map(({ text, source }) => ({ text, source })),
    ]),
    steps: steps
      .filter(({ tokens, drafted }) => tokens > 0 || drafted > 0)
      .map(({ tokens, drafted, micros }) => ({ accepted: tokens, drafted, micros })),
  };
}
