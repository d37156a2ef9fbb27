/** `@langchain/openai`, against the real service. */
import {
  AIMessage,
  type AIMessageChunk,
  HumanMessage,
  SystemMessage,
} from '@langchain/core/messages';
import { StringOutputParser } from '@langchain/core/output_parsers';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { ChatOpenAI } from '@langchain/openai';
import { beforeAll, expect, test } from 'vitest';
import { type SharedService, sharedService } from '../support/shared-service.ts';

let service: SharedService;
let chat: ChatOpenAI;

beforeAll(async () => {
  service = await sharedService({ demo: true });
  chat = new ChatOpenAI({
    model: service.model,
    apiKey: 'local',
    configuration: { baseURL: `${service.url}/v1` },
    temperature: 0,
    maxRetries: 0,
  });
});

const QUESTION = 'How are several verifiers configured?';

test('invoke and stream give the same text, with usage', async () => {
  const whole = await chat.invoke(QUESTION);
  expect(whole.content).toContain('VERIFIER_URL');
  expect(whole.response_metadata.finish_reason).toBe('stop');
  const { input_tokens, output_tokens, total_tokens } = whole.usage_metadata!;
  expect(total_tokens).toBe(input_tokens + output_tokens);

  let gathered: AIMessageChunk | undefined;
  let chunks = 0;
  for await (const chunk of await chat.stream(QUESTION)) {
    gathered = gathered?.concat(chunk) ?? chunk;
    chunks++;
  }
  expect(gathered!.content).toBe(whole.content);
  expect(chunks).toBeGreaterThan(2);
  expect(gathered!.usage_metadata).toMatchObject({ input_tokens, output_tokens });
});

test('earlier turns, in a chain with a template and a parser', async () => {
  const prompt = ChatPromptTemplate.fromMessages([
    new SystemMessage('Be exact.'),
    new HumanMessage('What is the echo?'),
    new AIMessage('The drafting core beside the verifier.'),
    ['user', '{question}'],
  ]);
  const answer = await prompt
    .pipe(chat)
    .pipe(new StringOutputParser())
    .invoke({ question: QUESTION });
  expect(answer.length).toBeGreaterThan(20);
});

test('a refusal rejects with the field and the reason', async () => {
  const greedy = new ChatOpenAI({
    model: service.model,
    apiKey: 'local',
    configuration: { baseURL: `${service.url}/v1` },
    maxTokens: 10_000_000,
    maxRetries: 0,
  });
  await expect(greedy.invoke(QUESTION)).rejects.toThrow(/max_tokens/);
});
