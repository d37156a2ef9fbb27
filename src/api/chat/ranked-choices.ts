/** Choices with `rank: "code"`: those that parse, cut, the best first. */
import { rankCodeInSlices } from '../../generate/code/rank-code.ts';
import { runInSlices } from '../../pause.ts';

interface Choice {
  index: number;
  message: { content: string | null; annotations: readonly object[] };
}

/** Each with what it was among all. Where none parses all stay as they are, and say `null`. */
export async function rankedChoices<C extends Choice>(choices: readonly C[]) {
  const texts = choices.map(({ message }) => message.content ?? '');
  const ranked = await runInSlices(rankCodeInSlices(texts));
  if (ranked.length === 0) return choices.map((choice) => ({ ...choice, rank: null }));
  return ranked.map(({ index, text, whole, score }, place) => {
    const { message } = choices[index]!;
    // Citations are at places of the text that was not cut.
    const annotations = text === message.content ? message.annotations : [];
    return {
      ...choices[index]!,
      index: place,
      message: { ...message, content: text, annotations },
      rank: { choice: index, whole, score },
    };
  });
}
