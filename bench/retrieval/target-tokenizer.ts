import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTokenizer, type ModelTokenizer } from '../../src/model/tokenizer.ts';
import { TARGET } from '../../test/support/model-server.ts';

let made: ModelTokenizer | undefined;

/** The tokenizer that the worker under measurement has. */
export function targetTokenizer(): ModelTokenizer {
  const read = (name: string) => JSON.parse(readFileSync(join(TARGET, name), 'utf8'));
  made ??= createTokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
  return made;
}
