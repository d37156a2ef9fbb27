/** A prompt of token ids that can't fit is refused by their number, before its text is made. */
import { expect, test, vi } from 'vitest';
import { PromptTooLong } from '../../src/generate/prompt.ts';

// It puts itself in the place of WebAssembly's loader, also for other files of this process.
vi.mock('../../src/onnx/runtime.ts', () => ({
  createSession: null,
  heapBytes: null,
  Tensor: null,
}));

const CONTEXT = 8;

test.each([[CONTEXT - 1], [CONTEXT]])('%i token ids in a context of 8', async (length) => {
  let decoded = 0;
  const decode = (ids: readonly number[]) => {
    decoded += ids.length;
    return 'text';
  };
  const model = { maxContext: CONTEXT, hasToken: () => true, tokenizer: { decode } };
  const body = { prompt: Array.from({ length }, () => 1), n: 1, speculation: {} };
  // By its name only, as the tests' types have no workers' runtime.
  const { promptsOf } = await vi.importActual<{
    promptsOf(asked: typeof body, of: typeof model): Promise<unknown>;
  }>('../../src/api/completions/to-generation.ts');
  const read = promptsOf(body, model);
  if (length < CONTEXT) await expect(read).resolves.toMatchObject([{ text: 'text' }]);
  else await expect(read).rejects.toThrow(PromptTooLong);
  expect(decoded).toBe(length < CONTEXT ? length : 0);
});
