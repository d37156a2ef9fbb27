/** Small programming tasks with answers of known worth, written for this purpose: bench/data/code-answers.jsonl. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CodeTask {
  task: string;
  /** In the order in which a model might give them. */
  answers: CodeCandidate[];
}

interface CodeCandidate {
  text: string;
  /** 3 right, 2 right but for a rare case, 1 of some use, 0 wrong or broken. */
  worth: number;
}

const FILE = join(import.meta.dirname, '../data/code-answers.jsonl');

export function readCodeTasks(): CodeTask[] {
  return readFileSync(FILE, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
