/**
 * The bundled model with what one made for tools has: a chat template of Qwen's
 * kind, and `<tool_call>` as a token of its own, so that a bias can make it call.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TARGET } from './model-server.ts';

const TEMPLATE = `{%- if tools %}
{{- '<|im_start|>system\\n' }}
{%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}
{{- 'Functions:' }}
{%- for tool in tools %}{{- '\\n' + (tool | tojson) }}{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- elif messages[0].role == 'system' %}
{{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- elif message.role == 'assistant' and message.tool_calls %}
{{- '<|im_start|>assistant' }}
{%- if message.content %}{{- '\\n' + message.content }}{%- endif %}
{%- for call in message.tool_calls %}
{{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' + (call.function.arguments | tojson) + '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- elif message.role != 'system' or not loop.first %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}`;

export interface ToolModel {
  folder: string;
  /** The id of `<tool_call>`. */
  callToken: number;
  remove(): void;
}

export function makeToolModel(): ToolModel {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-tools-'));
  cpSync(TARGET, folder, { recursive: true });
  // Hashes of its own: it is another model.
  rmSync(join(folder, 'manifest.json'));

  const { tokenizer, callToken } = withCallToken(readJson(join(folder, 'tokenizer.json')));
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  const config = readJson(join(folder, 'tokenizer_config.json'));
  writeFileSync(
    join(folder, 'tokenizer_config.json'),
    JSON.stringify({ ...config, chat_template: TEMPLATE }),
  );
  return { folder, callToken, remove: () => rmSync(folder, { recursive: true }) };
}

interface TokenizerJson {
  added_tokens: object[];
  model: { vocab: Record<string, number>; merges: unknown[] };
}

/** In the place of the last token that was merged, which nothing else is made of. */
function withCallToken(tokenizer: TokenizerJson) {
  const { vocab, merges } = tokenizer.model;
  const [last, callToken] = Object.entries(vocab).reduce((a, b) => (a[1] > b[1] ? a : b));
  delete vocab[last];
  vocab['<tool_call>'] = callToken;
  merges.pop();
  tokenizer.added_tokens.push({
    id: callToken,
    content: '<tool_call>',
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: false,
  });
  return { tokenizer, callToken };
}

function readJson(file: string) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
