/** Answers that are read side by side fail together: none runs on for a request that has failed. */
import { expect, test } from 'vitest';
import { readAll } from '../../src/api/answers/read-all.ts';

/** It can be cancelled, and then ends. */
class Pending {
  cancelled = 0;
  end = () => {};
  readonly ended = new Promise<void>((resolve) => {
    this.end = resolve;
  });
  cancel(): void {
    this.cancelled++;
    this.end();
  }
}

const pending = (count: number) => Array.from({ length: count }, () => new Pending());

test('results come in the order of the answers', async () => {
  const answers = pending(3);
  const read = readAll(answers, ({ ended }, index) => ended.then(() => index));
  for (const index of [2, 0, 1]) answers[index]!.end();
  expect(await read).toEqual([0, 1, 2]);
});

test('the first failure cancels the others and is the one that is thrown', async () => {
  const answers = pending(3);
  const read = readAll(answers, async ({ ended }, index) => {
    if (index === 1) throw new Error('the verifier went away');
    await ended;
    throw new Error('cancelled');
  });
  await expect(read).rejects.toThrow('the verifier went away');
  for (const { cancelled } of answers) expect(cancelled).toBeGreaterThan(0);
});
