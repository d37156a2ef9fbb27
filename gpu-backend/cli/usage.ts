/** Command lines: what can't be read, and what is missing, is told in words, without a stack trace. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** A mistake in the command line; the message says how it goes. */
export class Usage extends Error {}

/** `parseArgs`, for a command whose help is `help`. Throws `Usage`. */
export function readArguments<Config extends ParseArgsConfig>(
  help: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new Usage(`${(error as Error).message}\n\n${help}`);
  }
}

/** Runs a command as this process, which exits with the code it resolves with, or 1 and the message of its error. */
export async function runAsProcess(command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
