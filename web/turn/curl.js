/**
 * The same request for a POSIX shell. Single quotes hold everything but
 * themselves, so a quote closes the string, adds an escaped one and reopens it.
 *
 * @param {string} url
 * @param {unknown} body
 */
export function curlCommand(url, body) {
  const json = JSON.stringify(body, null, 2).replaceAll("'", String.raw`'\''`);
  return `curl -N ${url} \\\n  -H 'content-type: application/json' \\\n  -d '${json}'`;
}
