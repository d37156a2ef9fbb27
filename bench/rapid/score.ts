/** How right an answer is. */

const ARTICLES = new Set(['a', 'an', 'the']);

function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.filter((word) => !ARTICLES.has(word));
}

/** F1 of the words of an answer against the known one's, as SQuAD counts it: case, punctuation and articles left out. */
export function tokenF1(text: string, known: string): number {
  const [said, wanted] = [wordsOf(text), wordsOf(known)];
  const left = new Map<string, number>();
  for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of said) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    left.set(word, count - 1);
    shared++;
  }
  return shared === 0 ? 0 : (2 * shared) / (said.length + wanted.length);
}

/** The share of the known answers that the text contains, word for word. */
export function toldShare(text: string, known: readonly string[]): number {
  const said = ` ${wordsOf(text).join(' ')} `;
  const told = known.filter((answer) => said.includes(` ${wordsOf(answer).join(' ')} `));
  return told.length / known.length;
}
