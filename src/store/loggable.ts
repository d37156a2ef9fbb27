/** Errors as the log may have them: a failed query's message holds what it was given, texts and all. */
import { DrizzleQueryError } from 'drizzle-orm/errors';

export function loggable(error: unknown): string {
  if (error instanceof DrizzleQueryError) return `${error.query}: ${loggable(error.cause)}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
