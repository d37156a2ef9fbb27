/** `espalier model …` as a process. */
import { runModelCommand } from './model.ts';

try {
  process.exitCode = await runModelCommand(process.argv.slice(3));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
