/**
 * Has the served model ask questions over a store's texts. It is shown a piece of a text
 * and held to a JSON Schema whose quote must be one of the piece's own sentences, so every
 * question comes with words that are there.
 */
import type { KnowledgeClient, StoredFile } from '../retrieval/client.ts';
import type { Line } from './questions.ts';

/** Characters of a piece, and of a sentence that may answer. */
const PIECE = 1_200;
const SHORTEST = 40;
const LONGEST = 240;

const PROMPT =
  'Read the text. Choose one sentence of it that states a fact, and write one short question ' +
  'that this sentence answers, in other words than the sentence has.\n\nText:\n';

/** Up to `count` questions, over pieces that are spread evenly. A piece without a sentence of fitting length has none. */
export async function makeQuestions(
  client: Pick<KnowledgeClient, 'answer'>,
  files: readonly StoredFile[],
  count: number,
  onMade: (made: number) => void = () => {},
): Promise<Line[]> {
  const lines: Line[] = [];
  for (const { file, text } of piecesOf(files, count)) {
    const quotes = sentencesOf(text);
    if (quotes.length === 0) continue;
    const answer = await client.answer<Pick<Line, 'question' | 'quote'>>(PROMPT + text, {
      type: 'object',
      properties: {
        quote: { type: 'string', enum: quotes },
        question: { type: 'string', maxLength: LONGEST },
      },
      required: ['quote', 'question'],
      additionalProperties: false,
    });
    const question = answer.question.replace(/\s+/g, ' ').trim();
    if (question === '') continue;
    lines.push({ file: file.name, quote: answer.quote, question });
    onMade(lines.length);
  }
  return lines;
}

export function asTable(lines: readonly Line[]): string {
  const rows = lines.map(({ file, quote, question }) => `${file}\t${quote}\t${question}\n`);
  return `file\tquote\tquestion\n${rows.join('')}`;
}

function piecesOf(files: readonly StoredFile[], count: number) {
  const pieces = files.flatMap((file) =>
    Array.from({ length: Math.ceil(file.text.length / PIECE) }, (_, i) => ({
      file,
      text: file.text.slice(i * PIECE, (i + 1) * PIECE),
    })),
  );
  const every = Math.max(1, pieces.length / count);
  return Array.from(
    { length: Math.min(count, pieces.length) },
    (_, i) => pieces[Math.floor(i * every)]!,
  );
}

/** Whole sentences of a piece, on one line each: a tab or a line break would not fit a table. */
function sentencesOf(text: string): string[] {
  const segments = new Intl.Segmenter(undefined, { granularity: 'sentence' }).segment(text);
  const whole = [...segments].map(({ segment }) => segment.trim()).slice(1, -1);
  return whole.filter(
    (one) => one.length >= SHORTEST && one.length <= LONGEST && !/[\t\r\n]/.test(one),
  );
}
