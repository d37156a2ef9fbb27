/** How long `draft train` takes by default is the same in the recipe, the command's help and docs/drafters.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DRAFT_HELP } from '../../gpu-backend/cli/draft-help.ts';
import { ROOT } from '../../local/root.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const recipe = (script: string) => read(`models/recipe/${script}`);

/** What all scripts share, where a script has none of its own. */
const SHARED = `${recipe('answers.py')}${recipe('trainer.py')}`;

/** The script's default of `--<what>-minutes`. */
function minutesOf(script: string, what: 'write' | 'train'): number {
  const own = new RegExp(`set_defaults\\(.*\\b${what}_minutes=(\\d+)`).exec(recipe(script));
  const shared = new RegExp(`'--${what}-minutes', type=float, default=(\\d+)`).exec(SHARED);
  return Number((own ?? shared)![1]);
}

const TABLE = read('docs/drafters.md');

test.each([
  ['hydra', 'hydra.py', '--kind hydra`'],
  ['ppd', 'prompt_tokens.py', '--kind ppd`'],
  ['feature', 'feature.py', 'draft train MODEL`'],
])('%s', (kind, script, command) => {
  const [write, train] = [minutesOf(script, 'write'), minutesOf(script, 'train')];
  expect(recipe(script)).toMatch(
    new RegExp(`\\[--write-minutes ${write}\\]\\s+\\[--train-minutes ${train}\\]`),
  );
  const row = TABLE.split('\n').find(
    (line) => line.startsWith('| a GPU') && line.includes(command),
  );
  expect(row).toContain(` ${write + train} minutes`);
  const help = DRAFT_HELP.replace(/\s+/g, ' ');
  expect(help).toMatch(new RegExp(` ${write + train} (minutes )?\\([^)]*\\b${kind}\\b`));
});
