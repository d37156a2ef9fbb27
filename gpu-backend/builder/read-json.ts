/** JSON files of a checkpoint: what is wrong with one is said with its name. */
import { readFileSync } from 'node:fs';

/** Throws an Error that names the file where it cannot be read or is no JSON object. */
export function readJsonObject(file: string): Record<string, unknown> {
  return parseJsonObject(readText(file), file);
}

/** `source` is what an error calls the text. */
export function parseJsonObject(text: string, source: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${source} is not JSON: ${(cause as Error).message}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Error(`${source} is not a JSON object`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error(`${file} cannot be read: ${(cause as NodeJS.ErrnoException).code}`);
  }
}
