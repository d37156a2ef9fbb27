/** The bundled model with a chat template and tokens of another kind of model. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ROOT } from '../../local/root.ts';
import { TARGET } from './model-server.ts';

export interface DerivedModel {
  folder: string;
  /** Ids of the added tokens, in their order. */
  ids: number[];
  remove(): void;
}

/** @param template null for a base model @param contents tokens of their own, so that a bias can make the model say them */
export function deriveModel(template: string | null, contents: readonly string[]): DerivedModel {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-model-'));
  cpSync(TARGET, folder, { recursive: true });
  // Hashes of its own: it is another model.
  rmSync(join(folder, 'manifest.json'));
  const tokenizer: TokenizerJson = readJson(join(folder, 'tokenizer.json'));
  const ids = contents.map((content) => addToken(tokenizer, content));
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  const config = readJson(join(folder, 'tokenizer_config.json'));
  writeFileSync(
    join(folder, 'tokenizer_config.json'),
    JSON.stringify({ ...config, chat_template: template }),
  );
  return {
    folder,
    ids,
    remove() {
      // A verifier that was started with it has links to its files.
      const added = join(ROOT, '.espalier/models', basename(folder));
      for (const made of [added, folder]) rmSync(made, { recursive: true, force: true });
    },
  };
}

interface TokenizerJson {
  added_tokens: object[];
  model: { vocab: Record<string, number>; merges: unknown[] };
}

/** In the place of the last token that was merged, which nothing else is made of. */
function addToken({ added_tokens, model }: TokenizerJson, content: string): number {
  const { vocab, merges } = model;
  const taken = new Set(added_tokens.map((token) => (token as { content: string }).content));
  const merged = Object.entries(vocab).filter(([text]) => !taken.has(text));
  const [last, id] = merged.reduce((a, b) => (a[1] > b[1] ? a : b));
  delete vocab[last];
  vocab[content] = id;
  merges.pop();
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  added_tokens.push({ id, content, ...plain, special: false });
  return id;
}

function readJson(file: string) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
