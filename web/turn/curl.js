import { KEY_VARIABLE } from '../key.js';

/**
 * The same request for a POSIX shell. Single quotes hold everything but
 * themselves, so a quote closes the string, adds an escaped one and reopens it.
 *
 * @param {string} url
 * @param {unknown} body
 * @param {boolean} withKey reads the key from the shell's environment
 */
export function curlCommand(url, body, withKey) {
  const json = JSON.stringify(body, null, 2).replaceAll("'", String.raw`'\''`);
  const key = withKey ? `  -H "authorization: Bearer ${KEY_VARIABLE}" \\\n` : '';
  return `curl -N ${url} \\\n  -H 'content-type: application/json' \\\n${key}  -d '${json}'`;
}
