/** `ai` with `@ai-sdk/openai-compatible`, against the real service. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, streamText } from 'ai';
import { beforeAll, expect, test } from 'vitest';
import { type SharedService, sharedService } from '../support/shared-service.ts';

let service: SharedService;
let model: ReturnType<ReturnType<typeof createOpenAICompatible>>;

beforeAll(async () => {
  service = await sharedService({ demo: true });
  const espalier = createOpenAICompatible({
    name: 'espalier',
    baseURL: `${service.url}/v1`,
    apiKey: 'local',
    includeUsage: true,
  });
  model = espalier(service.model);
});

const QUESTION = { prompt: 'How are several verifiers configured?', seed: 7 };

test('generateText and streamText give the same text, finish and usage', async () => {
  const whole = await generateText({ model, ...QUESTION });
  expect(whole.text).toContain('VERIFIER_URL');
  expect(whole.finishReason).toBe('stop');
  const { inputTokens, outputTokens, totalTokens } = whole.usage;
  expect(inputTokens).toBeGreaterThan(50);
  expect(totalTokens).toBe(inputTokens! + outputTokens!);

  const streamed = streamText({ model, ...QUESTION });
  let text = '';
  for await (const delta of streamed.textStream) text += delta;
  expect(text).toBe(whole.text);
  expect(await streamed.finishReason).toBe('stop');
  expect(await streamed.usage).toMatchObject({ inputTokens, outputTokens, totalTokens });
});

test('system, earlier turns and settings arrive', async () => {
  const { finishReason, usage } = await generateText({
    model,
    system: 'Be brief.',
    messages: [
      { role: 'user', content: 'What is the echo?' },
      { role: 'assistant', content: 'The drafting core beside the verifier.' },
      { role: 'user', content: QUESTION.prompt },
    ],
    maxOutputTokens: 5,
    temperature: 0.5,
    topP: 0.9,
    stopSequences: ['\u2603'],
  });
  expect(finishReason).toBe('length');
  expect(usage.outputTokens).toBe(5);
});

test('a refusal is an APICallError that is not tried again', async () => {
  const failure = await generateText({ model, ...QUESTION, maxOutputTokens: 10_000_000 }).catch(
    (error: unknown) => error,
  );
  expect(APICallError.isInstance(failure)).toBe(true);
  expect(failure).toMatchObject({ statusCode: 400, isRetryable: false });
  expect((failure as APICallError).message).toContain('max_tokens');
});
