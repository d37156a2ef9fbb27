/**
 * What lets a worker in: a short-lived JWT (HS256) with one use, made for one
 * verifier and one model. Both sides hold the keys; the first one signs, all are
 * accepted, so that a new key can be handed out before the old one is withdrawn.
 */

export const TICKET_ALGORITHM = 'HS256';
export const TICKET_ISSUER = 'espalier-worker';
/** A ticket is made when it is needed and used at once; the rest is for clocks that differ. */
export const TICKET_LIFETIME_S = 60;
export const TICKET_CLOCK_SKEW_S = 10;
const MIN_KEY_BYTES = 32;
/** The old and the new one, and one to spare. */
export const MAX_LINK_KEYS = 3;

/** Beside `iss`, `aud` (the verifier's origin), `iat`, `exp` and `jti` (the nonce). */
export interface TicketClaims {
  model: string;
  tokenizer: string;
}

export interface LinkKey {
  id: string;
  secret: Uint8Array<ArrayBuffer>;
}

/**
 * Reads `LINK_KEYS`: `id:secret`, several separated by commas, the secret at
 * least 32 bytes in base64url. Empty for none. Throws `RangeError` with what is wrong.
 */
export function parseLinkKeys(text: string | undefined): LinkKey[] {
  if (!text) return [];
  const keys = text.split(',').map((entry) => {
    const [id, secret, ...rest] = entry.trim().split(':');
    if (!id || !secret || rest.length > 0) {
      throw new RangeError('LINK_KEYS: each key must be id:secret, separated by commas');
    }
    return { id, secret: readSecret(id, secret) };
  });
  if (keys.length > MAX_LINK_KEYS) {
    throw new RangeError(`LINK_KEYS: ${keys.length} keys; at most ${MAX_LINK_KEYS}`);
  }
  if (new Set(keys.map(({ id }) => id)).size < keys.length) {
    throw new RangeError('LINK_KEYS: two keys have the same id');
  }
  return keys;
}

function readSecret(id: string, text: string): Uint8Array<ArrayBuffer> {
  let binary: string;
  try {
    binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    throw new RangeError(`LINK_KEYS: the secret of "${id}" is not base64url`);
  }
  if (binary.length < MIN_KEY_BYTES) {
    throw new RangeError(
      `LINK_KEYS: the secret of "${id}" has ${binary.length} bytes; at least ${MIN_KEY_BYTES} ` +
        '(openssl rand -base64 32)',
    );
  }
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}
