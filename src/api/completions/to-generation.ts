/** What a completion asks to be generated: prompts continued as they are. */
import { PromptTooLong } from '../../generate/prompt.ts';
import type { GenerationRequest } from '../../generate/request.ts';
import type { ModelRecord } from '../../model/record.ts';
import type { FieldPaths } from '../answers/field-paths.ts';
import { MAX_CHOICES } from '../answers/request-fields.ts';
import { samplingOf, speculationOf, stopsOf } from '../answers/sampling.ts';
import { invalid, type Path } from '../errors.ts';
import type { CompletionRequest } from './schema.ts';

/** A prompt to be continued. */
export interface RawPrompt {
  text: string;
  tokens: Int32Array;
}

/** @param storeIds drafted from; nothing of them enters a prompt */
export function toGeneration(
  body: CompletionRequest,
  model: ModelRecord,
  prompts: readonly RawPrompt[],
  storeIds: readonly string[],
): GenerationRequest {
  return {
    input: { kind: 'continuation', prompts: prompts.map(({ tokens }) => tokens) },
    storeIds,
    choices: body.n,
    maxTokens: body.max_tokens,
    stop: stopsOf(body.stop),
    sampling: samplingOf(body, model),
    logprobs: body.logprobs ?? null,
    grammar: null,
    speculation: speculationOf(body.speculation, model),
  };
}

export function fieldPaths({ n }: CompletionRequest): FieldPaths {
  return {
    prompt: ['prompt'],
    maxTokens: ['max_tokens'],
    choices: [n > 1 ? 'n' : 'prompt'],
    files: [],
    format: [],
    schema: [],
    functions: [],
  };
}

/**
 * The prompts of a request, tokenized or checked, once what the fields say
 * together makes sense. Throws the `ApiFailure` that names what is wrong,
 * `TooManyTokens` and `PromptTooLong`.
 */
export async function promptsOf(body: CompletionRequest, model: ModelRecord): Promise<RawPrompt[]> {
  const { prompt } = body;
  const prompts: RawPrompt[] = [];
  if (isList(prompt)) {
    for (const [i, one] of prompt.entries()) {
      prompts.push(await promptOf(one, ['prompt', i], model));
    }
  } else prompts.push(await promptOf(prompt, ['prompt'], model));
  requireConsistent(body, prompts.length);
  return prompts;
}

function isList(prompt: CompletionRequest['prompt']): prompt is string[] | number[][] {
  return Array.isArray(prompt) && prompt.length > 0 && typeof prompt[0] !== 'number';
}

async function promptOf(
  prompt: string | readonly number[],
  path: Path,
  model: ModelRecord,
): Promise<RawPrompt> {
  const room = model.maxContext - 1;
  if (typeof prompt === 'string') {
    const tokens = await model.encodePrompt(prompt, room);
    if (tokens.length === 0) throw invalid(path, 'is empty: send some text');
    return { text: prompt, tokens };
  }
  if (prompt.length === 0) throw invalid(path, 'is empty: send some tokens');
  // Before its text is made, which takes long.
  if (prompt.length > room) throw new PromptTooLong(prompt.length, room);
  const strange = prompt.find((id) => !model.hasToken(id));
  if (strange !== undefined) throw invalid(path, `${strange} is no token of "${model.id}"`);
  const text = model.tokenizer.decode([...prompt], { skip_special_tokens: false });
  return { text, tokens: Int32Array.from(prompt) };
}

function requireConsistent(
  { best_of, echo, logprobs, n, speculation }: CompletionRequest,
  prompts: number,
): void {
  if (echo && logprobs != null) {
    throw invalid(['echo'], 'not beside logprobs: the tokens of a prompt are not scored');
  }
  if (best_of != null && best_of !== n) {
    throw invalid(['best_of'], `choices are not ranked: send n, ${n}, or leave it out`);
  }
  if (prompts * n > MAX_CHOICES) {
    throw invalid(['n'], `${prompts} prompts times ${n}; at most ${MAX_CHOICES} choices together`);
  }
  if (speculation.trace) {
    throw invalid(['speculation', 'trace'], 'only /v1/chat/completions traces');
  }
}
