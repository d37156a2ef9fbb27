/** Hashes by which the edge and the verifier know that they speak of the same model. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { readTokenizerConfig } from './tokenizer-config.ts';
import { weightFiles } from './weight-index.ts';

/** SHA-256 in hex of what must agree. */
export interface Fingerprints {
  weights: string;
  tokenizer: string;
  template: string;
  /** Of the three others: the model's identity. */
  model: string;
}

/** `quantization` makes another model of the same weights: it writes other text. */
export function fingerprintModel(folder: string, quantization = ''): Fingerprints {
  const parts = {
    weights: hashFiles(weightFiles(folder)),
    tokenizer: hashFiles([join(folder, 'tokenizer.json')]),
    template: createHash('sha256').update(readChatTemplate(folder)).digest('hex'),
  };
  const identity = [...Object.values(parts), quantization].join('');
  const model = createHash('sha256').update(identity).digest('hex');
  return { ...parts, model };
}

/** '' where there is none; named templates as JSON. */
function readChatTemplate(folder: string): string {
  const { chat_template: template = '' } = readTokenizerConfig(folder);
  return typeof template === 'string' ? template : JSON.stringify(template);
}

const CHUNK_BYTES = 1 << 20;

/** Of the contents one after another; a file that is not there counts as empty. */
function hashFiles(files: readonly string[]): string {
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (const file of files) {
    if (!existsSync(file)) continue;
    const descriptor = openSync(file, 'r');
    try {
      for (;;) {
        const read = readSync(descriptor, chunk);
        if (read === 0) break;
        hash.update(chunk.subarray(0, read));
      }
    } finally {
      closeSync(descriptor);
    }
  }
  return hash.digest('hex');
}
