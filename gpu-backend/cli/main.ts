/** `espalier model …` and `espalier draft …` as a process. */
import { runDraftCommand } from './draft.ts';
import { runModelCommand } from './model.ts';
import { runAsProcess } from './usage.ts';

const [noun, ...argv] = process.argv.slice(2);
await runAsProcess(() => (noun === 'draft' ? runDraftCommand(argv) : runModelCommand(argv)));
