/** The routes that answer, as one: a question in each one's form, and what comes back in one form. */

/** What is asked, whichever route takes it. */
export interface Question {
  text: string;
  maxTokens?: number;
  /** Fields that every route has under the same name. */
  shared?: object;
  stop?: string[];
  choices?: number;
  logprobs?: boolean;
  penalties?: { frequency_penalty?: number; logit_bias?: Record<string, number> };
  /** A JSON Schema that the text is held to. */
  schema?: object;
  /** A function that is to be called. */
  call?: { name: string; parameters: object };
  file?: string;
}

export interface Answered {
  texts: string[];
  /** `stop`, `length` or `tool_calls`, a choice. */
  finishes: string[];
  calls: { name: string; arguments: string }[];
  /** The text's tokens, where log-probabilities were asked for. */
  tokens: string[];
  usage: { input: number; output: number; total: number; speculation?: SpeculationUsage };
}

interface SpeculationUsage {
  steps: number;
  drafted: number;
  accepted: number;
  mean_accepted: number;
  by_source: Record<string, number>;
}

export type Feature = keyof Question | 'documents';

/** Names of fields that routes call differently. */
interface FieldNames {
  text: string;
  maxTokens: string;
  schema: string;
  call: string;
}

export interface Route {
  path: string;
  fields: FieldNames;
  /** What it has not, and why. */
  lacks: Partial<Record<Feature, string>>;
  body(question: Question): object;
  /** Added to have a stream with its usage. */
  streaming: object;
  whole(body: Json): Answered;
  /** @param events of a stream, without their names */
  streamed(events: Json[]): Answered;
}

// biome-ignore lint/suspicious/noExplicitAny: what a route answers is what these tests look at
type Json = any;

const chat: Route = {
  path: '/v1/chat/completions',
  fields: {
    text: 'messages',
    maxTokens: 'max_tokens',
    schema: 'response_format.json_schema.schema',
    call: 'tools.0.function.parameters',
  },
  lacks: {},
  body: ({ text, maxTokens, shared, stop, choices, logprobs, penalties, schema, call, file }) => ({
    messages: [{ role: 'user', content: text }],
    max_tokens: maxTokens,
    stop,
    n: choices,
    logprobs,
    ...penalties,
    ...(schema && {
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } },
    }),
    ...(call && {
      tools: [{ type: 'function', function: { ...call, strict: true } }],
      tool_choice: 'required',
    }),
    ...(file && { file_ids: [file] }),
    ...shared,
  }),
  streaming: { stream: true, stream_options: { include_usage: true } },
  whole: ({ choices, usage }) => ({
    texts: choices.map(({ message }: Json) => message.content ?? ''),
    finishes: choices.map(({ finish_reason }: Json) => finish_reason),
    calls: choices.flatMap(({ message }: Json) =>
      (message.tool_calls ?? []).map((call: Json) => call.function),
    ),
    tokens: choices.flatMap(({ logprobs }: Json) =>
      (logprobs?.content ?? []).map(({ token }: Json) => token),
    ),
    usage: usageOf(usage),
  }),
  streamed(events) {
    const answer = gather(events, ({ delta }) => delta.content ?? '');
    for (const { choices } of events) {
      for (const { delta, logprobs } of choices) {
        for (const { index, function: said } of delta.tool_calls ?? []) {
          answer.calls[index] ??= { name: said.name, arguments: '' };
          answer.calls[index].arguments += said.arguments;
        }
        answer.tokens.push(...(logprobs?.content ?? []).map(({ token }: Json) => token));
      }
    }
    return answer;
  },
};

const CONTINUES = 'a prompt is continued as it is';

const completions: Route = {
  path: '/v1/completions',
  fields: { ...chat.fields, text: 'prompt' },
  lacks: { schema: CONTINUES, call: CONTINUES, file: CONTINUES, documents: CONTINUES },
  /** With the chat template of the bundled model by hand. */
  body: ({ text, maxTokens, shared, stop, choices, logprobs, penalties }) => ({
    prompt: `<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`,
    max_tokens: maxTokens ?? 256,
    stop,
    n: choices,
    ...(logprobs && { logprobs: 0 }),
    ...penalties,
    ...shared,
  }),
  streaming: chat.streaming,
  whole: ({ choices, usage }) => ({
    texts: choices.map(({ text }: Json) => text),
    finishes: choices.map(({ finish_reason }: Json) => finish_reason),
    calls: [],
    tokens: choices.flatMap(({ logprobs }: Json) => logprobs?.tokens ?? []),
    usage: usageOf(usage),
  }),
  streamed(events) {
    const answer = gather(events, ({ text }) => text);
    for (const { choices } of events) {
      for (const { logprobs } of choices) answer.tokens.push(...(logprobs?.tokens ?? []));
    }
    return answer;
  },
};

const IN_CHAT = 'OpenAI has it in chat alone';

const responses: Route = {
  path: '/v1/responses',
  fields: {
    text: 'input',
    maxTokens: 'max_output_tokens',
    schema: 'text.format.schema',
    call: 'tools.0.parameters',
  },
  lacks: { stop: IN_CHAT, choices: IN_CHAT, penalties: IN_CHAT },
  body: ({ text, maxTokens, shared, logprobs, schema, call, file }) => ({
    input: text,
    max_output_tokens: maxTokens,
    ...(logprobs && { include: ['message.output_text.logprobs'] }),
    ...(schema && { text: { format: { type: 'json_schema', name: 'x', schema, strict: true } } }),
    ...(call && { tools: [{ type: 'function', ...call, strict: true }], tool_choice: 'required' }),
    ...(file && { file_ids: [file] }),
    ...shared,
  }),
  streaming: { stream: true },
  whole: ({ output, status, usage }) => {
    const parts = output.flatMap(({ content }: Json) => content ?? []);
    const calls = output.filter(({ type }: Json) => type === 'function_call');
    const finish = calls.length > 0 ? 'tool_calls' : 'stop';
    return {
      texts: [parts.map(({ text }: Json) => text).join('')],
      finishes: [status === 'incomplete' ? 'length' : finish],
      calls: calls.map(({ name, arguments: said }: Json) => ({ name, arguments: said })),
      tokens: parts.flatMap(({ logprobs }: Json) => logprobs.map(({ token }: Json) => token)),
      usage: usageOf({
        prompt_tokens: usage.input_tokens,
        completion_tokens: usage.output_tokens,
        ...usage,
      }),
    };
  },
  /** Text, calls and tokens from their deltas; how it ended from the last event. */
  streamed(events) {
    const of = (type: string) => events.filter((event) => event.type === `response.${type}`);
    const calls: Answered['calls'] = [];
    for (const { item, output_index } of of('output_item.added')) {
      if (item.type === 'function_call') calls[output_index] = { name: item.name, arguments: '' };
    }
    for (const { output_index, delta } of of('function_call_arguments.delta')) {
      calls[output_index]!.arguments += delta;
    }
    const deltas = of('output_text.delta');
    return {
      ...responses.whole(events.at(-1).response),
      texts: [deltas.map(({ delta }) => delta).join('')],
      calls: calls.filter((call) => call),
      tokens: deltas.flatMap(({ logprobs }) => logprobs.map(({ token }: Json) => token)),
    };
  },
};

export const ROUTES: readonly Route[] = [chat, completions, responses];

/** The choices of chunks, by their index. */
function gather(events: Json[], textOf: (choice: Json) => string): Answered {
  const answer: Answered = {
    texts: [],
    finishes: [],
    calls: [],
    tokens: [],
    usage: usageOf(events.at(-1).usage),
  };
  for (const { choices } of events) {
    for (const choice of choices) {
      const { index, finish_reason } = choice;
      answer.texts[index] = (answer.texts[index] ?? '') + textOf(choice);
      if (finish_reason) answer.finishes[index] = finish_reason;
    }
  }
  return answer;
}

function usageOf({ prompt_tokens, completion_tokens, total_tokens, speculation }: Json) {
  return {
    input: prompt_tokens,
    output: completion_tokens,
    total: total_tokens,
    ...(speculation && { speculation }),
  };
}
