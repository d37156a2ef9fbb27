/**
 * The body of POST /v1/chat/completions. A field is either honoured or refused
 * by name; none is silently ignored.
 */
import * as v from 'valibot';
import { MAX_VERIFIED_NODES } from '../draft/budget.ts';
import { DRAFT_MODEL_USES } from '../generate/draft-model/turn-model.ts';
import { DRAFTING_MODES } from '../link/frames/index.ts';
import type { ChatMessage } from '../store/tokenizer.ts';
import { fileSearchTools, storeIds } from './file-search-tool.ts';

export const MAX_MESSAGES = 1024;
export const MAX_STOP_STRINGS = 4;
export const MAX_STOP_LENGTH = 256;
/** Nodes verified in a step when the request doesn't say; the cost curve may take fewer. */
export const DEFAULT_BUDGET = 32;

/** Names what is wrong with an object: a field too many, one missing, or no object at all. */
function shape(issue: v.StrictObjectIssue): string {
  if (issue.expected === 'never') return 'is not supported: leave it out';
  return issue.received === 'undefined' ? 'is required' : 'must be an object';
}

const textPart = v.strictObject(
  {
    type: v.literal('text', 'only parts of type "text" are supported'),
    text: v.string('must be a string'),
  },
  shape,
);
const content = v.union(
  [v.string(), v.array(textPart)],
  'must be a string or a list of {"type": "text", "text": …} parts',
);
const name = v.optional(v.string('must be a string'));
const message = v.variant(
  'role',
  [
    v.strictObject(
      {
        role: v.literal('assistant'),
        content: v.nullish(content),
        refusal: v.nullish(v.string('must be a string')),
        name,
      },
      shape,
    ),
    v.strictObject({ role: v.picklist(['system', 'developer', 'user']), content, name }, shape),
  ],
  'must be an object with the role "system", "developer", "user" or "assistant"',
);

/** A field of OpenAI's that does nothing here: only the value that asks for nothing is taken. */
function neutral<const Value extends string | number | boolean>(value: Value) {
  return v.nullish(v.literal(value, `is not supported: leave it out, or send ${value}`));
}

const integer = (least: number, most: number) => {
  const range = `must be an integer from ${least} to ${most}`;
  return v.pipe(
    v.number(range),
    v.integer(range),
    v.minValue(least, range),
    v.maxValue(most, range),
  );
};
const number = (least: number, most: number) => {
  const range = `must be a number from ${least} to ${most}`;
  return v.pipe(v.number(range), v.minValue(least, range), v.maxValue(most, range));
};
const stopString = v.pipe(
  v.string('must be a string'),
  v.minLength(1, 'must not be empty'),
  v.maxLength(MAX_STOP_LENGTH, `must have at most ${MAX_STOP_LENGTH} characters`),
);

/** More tokens than any model has context for: a number this large is a mistake worth naming. */
const MAX_TOKENS = 1 << 20;

/** The verifier's limit too. */
const MAX_TRANSFER = 50;

export const speculationSchema = v.strictObject(
  {
    /** `on` is the default, `echoed`; the others are for comparison. */
    mode: v.optional(
      v.picklist(['on', ...DRAFTING_MODES], `must be "on" or one of ${DRAFTING_MODES.join(', ')}`),
      'on',
    ),
    budget: v.optional(integer(0, MAX_VERIFIED_NODES), DEFAULT_BUDGET),
    /** Drafts from what the tenant's earlier answers left, and leaves this one to later ones. */
    memory: v.optional(v.boolean('must be true or false'), true),
    /** Drafts from the target's guesses at every verified token too, which takes bytes; needs `memory`. */
    recycle: v.optional(v.boolean('must be true or false'), false),
    /** Whether the worker's draft model takes part; all but auto and off are for comparison. */
    /** η of RAPID's knowledge transfer: above 0 the draft model moves the target. Lossy, and marked so. */
    transfer: v.optional(number(0, MAX_TRANSFER), 0),
    draft_model: v.optional(
      v.picklist(DRAFT_MODEL_USES, `must be one of ${DRAFT_MODEL_USES.join(', ')}`),
      'auto',
    ),
    /** Adds `usage.speculation`. */
    stats: v.optional(v.boolean('must be true or false'), false),
    /** Adds `espalier` to the chunks: passages, tokens with sources, steps. */
    trace: v.optional(v.boolean('must be true or false'), false),
  },
  'must be an object with mode, budget, memory, recycle, draft_model, transfer, stats, trace',
);

export const chatRequestSchema = v.strictObject(
  {
    model: v.optional(v.string('must be a string')),
    messages: v.pipe(
      v.array(message, 'must be a list of messages'),
      v.minLength(1, 'must have at least one message'),
      v.maxLength(MAX_MESSAGES, `must have at most ${MAX_MESSAGES} messages`),
    ),
    stream: v.nullish(v.boolean('must be true or false'), false),
    stream_options: v.nullish(
      v.strictObject({ include_usage: v.optional(v.boolean(), false) }, shape),
    ),
    max_tokens: v.nullish(integer(1, MAX_TOKENS)),
    max_completion_tokens: v.nullish(integer(1, MAX_TOKENS)),
    temperature: v.nullish(number(0, 2)),
    top_p: v.nullish(number(0, 1)),
    /** Ours, as in vLLM: 0 keeps all. */
    top_k: v.nullish(integer(0, 1 << 20)),
    seed: v.nullish(v.pipe(v.number('must be an integer'), v.safeInteger('must be an integer'))),
    stop: v.nullish(
      v.union(
        [
          stopString,
          v.pipe(
            v.array(stopString),
            v.maxLength(MAX_STOP_STRINGS, `must have at most ${MAX_STOP_STRINGS} strings`),
          ),
        ],
        `must be a string or a list of at most ${MAX_STOP_STRINGS} strings`,
      ),
    ),
    n: v.nullish(v.literal(1, 'only 1 is supported'), 1),
    frequency_penalty: neutral(0),
    presence_penalty: neutral(0),
    logprobs: neutral(false),
    top_logprobs: neutral(0),
    store: neutral(false),
    tool_choice: neutral('none'),
    tools: v.nullish(fileSearchTools),
    logit_bias: v.nullish(v.strictObject({}, 'is not supported: leave it out')),
    response_format: v.nullish(
      v.strictObject({ type: v.literal('text', 'only "text" is supported') }, shape),
    ),
    /** Labels of the caller's own; they change nothing. */
    user: v.nullish(v.string()),
    metadata: v.nullish(v.record(v.string(), v.string())),
    /** Which stores to answer from; `[]` for none. Without it, the tenant's default. */
    vector_store_ids: v.nullish(storeIds),
    speculation: v.optional(speculationSchema, {}),
  },
  shape,
);

export type ChatRequest = v.InferOutput<typeof chatRequestSchema>;

/** Content parts joined; `developer` is what `system` is called for newer models. */
export function plainMessages(request: ChatRequest): ChatMessage[] {
  return request.messages.map(({ role, content }) => ({
    role: role === 'developer' ? 'system' : role,
    content:
      typeof content === 'string' ? content : (content ?? []).map(({ text }) => text).join(''),
  }));
}

/** Any integer, or none, to the 64 bits that key the noise. */
export function seedHalves(seed: number | null | undefined): [number, number] {
  if (seed === null || seed === undefined) {
    const [low, high] = crypto.getRandomValues(new Uint32Array(2));
    return [low!, high!];
  }
  const bits = BigInt.asUintN(64, BigInt(seed));
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}
