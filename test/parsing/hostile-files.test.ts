/** No file made to be slow or large is: 300 of every format. `npm run test:soak` tries 10,000. */
import { expect, test } from 'vitest';
import { Dice, FORMATS, hostileFile } from '../support/hostile-files.ts';
import { costOf } from '../support/parse-hostile.ts';

const FILES = 300;
/** Of most files; each tenth is larger. */
const BYTES = 4_000;
const LARGE = 30_000;
/** Of CPU time: ten to a hundred times what they take. */
const MAX_MS = 1_000;

test.each(FORMATS)('%s', async (format) => {
  const dice = new Dice(FORMATS.indexOf(format) + 1);
  for (let i = 0; i < FILES; i++) {
    const file = hostileFile(format, 1 + dice.roll(i % 10 === 0 ? LARGE : BYTES), dice);
    const { ms, text } = await costOf(file);
    const shown = `file ${i} of ${file.content.length} bytes: ${Buffer.from(file.content.subarray(0, 80))}`;
    expect(ms, shown).toBeLessThan(MAX_MS);
    if (format !== 'zip' && format !== 'docx' && format !== 'pdf') {
      expect(text, shown).toBeLessThan(200_000 + 40 * file.content.length);
    }
  }
});
