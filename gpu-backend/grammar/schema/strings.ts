/** `type: "string"`: lengths, a pattern, a format. */
import { type Expression, literal, repeat, sequence } from '../expression.ts';
import * as json from '../json.ts';
import type { GrammarPath } from '../refused.ts';
import { counts, type Enforcement, refuse, type Schema } from './enforcement.ts';
import { FORMATS, formatOf } from './formats.ts';
import { type Pattern, PatternRefused, patternOf } from './pattern.ts';

export const STRING_KEYWORDS = ['minLength', 'maxLength', 'pattern', 'format'];

const quote = literal('"');

/** Throws `GrammarRefused`. */
export function stringExpression(
  schema: Schema,
  path: GrammarPath,
  enforcement: Enforcement,
): Expression {
  const [least, most] = counts(schema, path, 'minLength', 'maxLength');
  const pattern = patternIn(schema, path, enforcement);
  if (!pattern) return json.string(least, most);
  if (pattern.only) {
    const low = Math.max(least, pattern.least);
    const high = Math.min(most, pattern.most);
    if (low > high) refuse([...path, 'maxLength'], 'leaves no string that the pattern matches');
    return sequence(quote, repeat(pattern.only, low, high), quote);
  }
  // The pattern's own lengths may be within the bounds.
  const beside = 'is not supported beside this pattern: put it into the pattern';
  if (pattern.least < least) enforcement.leaveOut([...path, 'minLength'], beside);
  if (pattern.most > most) enforcement.leaveOut([...path, 'maxLength'], beside);
  return sequence(quote, pattern.expression, quote);
}

/**
 * A pattern comes before a format, which says nothing about validity by itself
 * (JSON Schema validation, section 7.2.1). Beside a format, a pattern beyond what
 * is supported may be left out: generators write it to say the same again.
 */
function patternIn(
  schema: Schema,
  path: GrammarPath,
  enforcement: Enforcement,
): Pattern | undefined {
  const { pattern, format } = schema;
  if (format !== undefined && typeof format !== 'string') {
    refuse([...path, 'format'], 'must be a string');
  }
  const named = format === undefined ? undefined : formatOf(format);
  if (pattern !== undefined) {
    if (typeof pattern !== 'string') refuse([...path, 'pattern'], 'must be a regular expression');
    try {
      return patternOf(pattern);
    } catch (error) {
      if (!(error instanceof PatternRefused)) throw error;
      if (named) enforcement.unenforced.push([...path, 'pattern']);
      else enforcement.leaveOut([...path, 'pattern'], `is not supported: ${error.message}`);
    }
  }
  if (format !== undefined && !named) {
    const formats = FORMATS.join(', ');
    enforcement.leaveOut([...path, 'format'], `${JSON.stringify(format)} is none of ${formats}`);
  }
  return named;
}
