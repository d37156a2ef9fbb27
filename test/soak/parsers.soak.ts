/**
 * Ten thousand files of every format, made to be slow or large, of up to 100 kB:
 * none takes a second of CPU time or 256 MB, and none ends the process.
 * `npm run test:soak -- --project long`; some four minutes.
 */
import { expect, test } from 'vitest';
import { Dice, FORMATS, hostileFile } from '../support/hostile-files.ts';
import { costOf } from '../support/parse-hostile.ts';

const FILES = Number(process.env.ESPALIER_SOAK_FILES ?? 10_000);
const BYTES = 100_000;
const MAX_MS = 1_000;
const MAX_BYTES = 256e6;

test.each(FORMATS)('%s', async (format) => {
  const seed = Number(process.env.ESPALIER_SOAK_SEED ?? 1) * 1_000 + FORMATS.indexOf(format);
  const dice = new Dice(seed);
  let slowest = 0;
  let largest = 0;
  for (let i = 0; i < FILES; i++) {
    // Small files are many of all that are sent.
    const size = 1 + (dice.roll(BYTES) >> (2 * dice.roll(4)));
    const file = hostileFile(format, size, dice);
    let { ms, bytes } = await costOf(file);
    // What else ran, or was not yet collected, is not the file's.
    for (let again = 0; again < 2 && (ms > MAX_MS || bytes > MAX_BYTES); again++) {
      const repeated = await costOf(file);
      ms = Math.min(ms, repeated.ms);
      bytes = Math.min(bytes, repeated.bytes);
    }
    const shown = `file ${i} of seed ${seed}, ${file.content.length} bytes: ${Buffer.from(file.content.subarray(0, 200))}`;
    expect(ms, shown).toBeLessThan(MAX_MS);
    expect(bytes, shown).toBeLessThan(MAX_BYTES);
    slowest = Math.max(slowest, ms);
    largest = Math.max(largest, bytes);
  }
  console.log(`${format}: ${slowest.toFixed(0)} ms, ${(largest / 1e6).toFixed(0)} MB at most`);
});
