/**
 * What `format` names (JSON Schema validation, section 7.3), as patterns. Each
 * matches a part of what its specification allows, never more.
 */
import { type Pattern, patternOf } from './pattern.ts';

const YEAR_MONTH_DAY = [
  // Every month has 28 days; February has 29 in leap years (RFC 3339, appendix C).
  '\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\\d|2[0-8])',
  '\\d{4}-(?:0[13-9]|1[0-2])-(?:29|30)',
  '\\d{4}-(?:0[13578]|1[02])-31',
  '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29',
].join('|');
const TIME =
  '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)';
/** A model may continue with digits or letters as long as it is let. */
const COUNT = '\\d{1,9}';
const ATOM = '[A-Za-z0-9_+-]{1,15}';
/** Half of what a label may have, so that four of them fit a name's 253 characters (RFC 1035, section 2.3.4). */
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?';
const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const HEX4 = '[0-9a-fA-F]{1,4}';
const PATH = "(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*";

const SOURCES: Record<string, string> = {
  date: `^(?:${YEAR_MONTH_DAY})$`,
  time: `^${TIME}$`,
  'date-time': `^(?:${YEAR_MONTH_DAY})T${TIME}$`,
  duration: `^P(?:${COUNT}W|${COUNT}D(?:T${COUNT}H${COUNT}M${COUNT}S)?|T${COUNT}[HMS]|${COUNT}Y${COUNT}M${COUNT}D)$`,
  uuid: '^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
  email: `^${ATOM}(?:\\.${ATOM}){0,3}@(?:${LABEL}\\.){1,4}[A-Za-z]{2,24}$`,
  hostname: `^(?:${LABEL}\\.){0,3}${LABEL}$`,
  ipv4: `^(?:${BYTE}\\.){3}${BYTE}$`,
  ipv6: `^(?:${HEX4}:){7}${HEX4}$`,
  uri: `^https?://(?:${LABEL}\\.)*${LABEL}(?::\\d{1,4})?(?:/${PATH})?(?:\\?${PATH})?(?:#${PATH})?$`,
};

export const FORMATS = Object.keys(SOURCES);

const known = new Map<string, Pattern>();

/** undefined for a format that is not supported. */
export function formatOf(name: string): Pattern | undefined {
  if (!Object.hasOwn(SOURCES, name)) return undefined;
  const pattern = known.get(name) ?? patternOf(SOURCES[name]!);
  known.set(name, pattern);
  return pattern;
}
