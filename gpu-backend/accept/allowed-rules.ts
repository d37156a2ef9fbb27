/** Which accept rules an operator lets callers ask for. */
import { ACCEPT_RULES, type AcceptRuleName } from '../../src/link/protocol/index.ts';

/** The default rule, which no deployment can do without. */
const ALWAYS: AcceptRuleName = 'match';

/**
 * The rules that ESPALIER_ACCEPT_RULES names, separated by commas, and `match`; all
 * where it is not set. Throws an Error that names the variable and what it may be.
 */
export function readAllowedRules(value: string | undefined): readonly AcceptRuleName[] {
  if (!value) return ACCEPT_RULES;
  const names = value.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !ACCEPT_RULES.some((rule) => rule === name));
  if (unknown !== undefined) {
    throw new Error(
      `ESPALIER_ACCEPT_RULES has "${unknown}"; it must be some of ${ACCEPT_RULES.join(', ')}, separated by commas`,
    );
  }
  return ACCEPT_RULES.filter((rule) => rule === ALWAYS || names.includes(rule));
}
