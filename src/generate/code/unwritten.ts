/**
 * Whether code leaves a part to be filled in. A model wrote it, so each check walks it
 * once: one expression over several lines is quadratic in blank lines.
 */

/** Remarks that say so. */
const REMARK =
  /\b(?:TODO|FIXME|NotImplementedError|not implemented|your code here)\b|(?:#|\/\/)\s*\.\.\./i;

/** What fills a block of Python and does nothing. */
const FILLER = /^(?:pass|\.\.\.)$/i;

/** O(code). */
export function isUnwritten(code: string): boolean {
  return REMARK.test(code) || hasIdleBlock(code) || endsInEmptyBody(code);
}

/** Whether a line that ends in a colon is followed by filler. */
function hasIdleBlock(code: string): boolean {
  let opened = false;
  for (const line of code.split('\n')) {
    const text = line.trim();
    if (text === '') continue;
    if (opened && FILLER.test(text)) return true;
    opened = text.endsWith(':');
  }
  return false;
}

/** Whether the last braces have nothing between them, or one remark. */
function endsInEmptyBody(code: string): boolean {
  const end = code.trimEnd();
  if (!end.endsWith('}')) return false;
  const body = end.slice(0, -1).trimEnd();
  if (body.endsWith('{')) return true;
  const start = body.lastIndexOf('\n') + 1;
  const line = body.slice(start).trimStart();
  if (line.startsWith('//')) return body.slice(0, start).trimEnd().endsWith('{');
  return /\{\s*\/\//.test(line);
}
