/**
 * Which version of the protocol a link speaks: the worker offers all it knows as
 * WebSocket subprotocols, the verifier picks the newest that it knows too.
 */
import { PROTOCOL_VERSION } from './wire.ts';

/** Where a verifier takes links. */
export const LINK_PATH = '/v1/link';

/** Newest first. */
const SUPPORTED_VERSIONS: readonly number[] = [PROTOCOL_VERSION];

const NAME = 'espalier.';

/** `Sec-WebSocket-Protocol` of one who speaks `versions`. */
export function offer(versions = SUPPORTED_VERSIONS): string {
  return versions.map((version) => NAME + version).join(', ');
}

/** The subprotocol to speak with one who sent `offered`, or null when there is none in common. */
export function agree(offered: string | undefined, versions = SUPPORTED_VERSIONS): string | null {
  const theirs = new Set(offered?.split(',').map((name) => name.trim()));
  const version = versions.find((one) => theirs.has(NAME + one));
  return version === undefined ? null : NAME + version;
}
