/** Answers to one request continue side by side, and fail together. */

/** An answer, as far as it matters here. */
interface Cancellable {
  cancel(): void;
}

/** Reads all. When one fails the others are cancelled, and the first failure is thrown once all have ended. */
export async function readAll<Answer extends Cancellable, Result>(
  answers: readonly Answer[],
  read: (answer: Answer, index: number) => Promise<Result>,
): Promise<Result[]> {
  const failures: unknown[] = [];
  const results = await Promise.all(
    answers.map(async (answer, index) => {
      try {
        return [await read(answer, index)];
      } catch (error) {
        failures.push(error);
        cancelAll(answers);
        return [];
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
  return results.flat(1) as Result[];
}

export function cancelAll(answers: readonly Cancellable[]): void {
  for (const answer of answers) answer.cancel();
}
