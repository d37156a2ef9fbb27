/** What a request gives the chat template beside its messages: how much the model is to think, and anything else it asks for. */
import * as v from 'valibot';

const MAX_VARIABLES = 16;
const MAX_VARIABLES_LENGTH = 4096;
const VARIABLES = `must be an object of at most ${MAX_VARIABLES} variables, ${MAX_VARIABLES_LENGTH} characters of JSON together`;
/** The request's own fields make these, and the language of templates has the others. */
const OWN = new Set(
  `messages tools add_generation_prompt true false none True False None namespace range
  raise_exception strftime_now`.split(/\s+/),
);

export const effort = v.pipe(
  v.nullish(v.picklist(['none', 'minimal', 'low', 'medium', 'high', 'xhigh'])),
  v.description(
    'How much the model is to think before it answers: given to its chat template as `reasoning_effort`, and `none` also as `enable_thinking: false`. A template that asks for neither ignores it, and the header `x-espalier-ignored` says so.',
  ),
);

export const templateFields = {
  reasoning_effort: effort,
  enable_thinking: v.pipe(
    v.nullish(v.boolean('must be true or false')),
    v.description('Given to the chat template under this name.'),
  ),
  chat_template_kwargs: v.pipe(
    v.nullish(
      v.pipe(
        v.record(
          v.pipe(
            v.string(),
            v.regex(/^[a-z_]\w{0,63}$/i, 'is no name of a variable'),
            v.check((name) => !OWN.has(name) && !name.endsWith('_token'), 'is made by the server'),
          ),
          v.unknown(),
          VARIABLES,
        ),
        v.check((variables) => Object.keys(variables).length <= MAX_VARIABLES, VARIABLES),
        v.check((variables) => JSON.stringify(variables).length <= MAX_VARIABLES_LENGTH, VARIABLES),
      ),
    ),
    v.description(
      `Up to ${MAX_VARIABLES} more variables for the chat template, such as \`enable_thinking\`.`,
    ),
  ),
};

interface TemplateFields {
  reasoning_effort?: string | null | undefined;
  enable_thinking?: boolean | null | undefined;
  chat_template_kwargs?: Record<string, unknown> | null | undefined;
}

/** The template's variables by name; those of `chat_template_kwargs` win. */
export function variablesOf(fields: TemplateFields): Record<string, unknown> {
  const { reasoning_effort, enable_thinking, chat_template_kwargs } = fields;
  return {
    ...(reasoning_effort && { reasoning_effort }),
    ...(reasoning_effort === 'none' && { enable_thinking: false }),
    ...(typeof enable_thinking === 'boolean' && { enable_thinking }),
    ...chat_template_kwargs,
  };
}
