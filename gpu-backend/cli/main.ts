/** `espalier model …` and `espalier draft …` as a process. */
import { runDraftCommand } from './draft.ts';
import { runModelCommand } from './model.ts';

try {
  const [noun, ...argv] = process.argv.slice(2);
  process.exitCode = await (noun === 'draft' ? runDraftCommand(argv) : runModelCommand(argv));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
