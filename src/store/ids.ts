/** Public ids in OpenAI's form: a prefix for the kind, then 96 random bits. */
export type IdPrefix =
  | 'file-'
  | 'vs_'
  | 'vsfb_'
  | 'req_'
  | 'chatcmpl-'
  | 'cmpl-'
  | 'seg_'
  | 'call_'
  | 'resp_'
  | 'rs_'
  | 'msg_'
  | 'fc_'
  | 'fs_';

const ID_BYTES = 12;

export function newId(prefix: IdPrefix): string {
  return prefix + hex(crypto.getRandomValues(new Uint8Array(ID_BYTES)));
}

export async function sha256(data: string | ArrayBuffer | Uint8Array): Promise<string> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource)));
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** Of what `hex` or SQLite wrote: in lower case or in capitals. */
export function unhex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (digit(text.charCodeAt(2 * i)) << 4) | digit(text.charCodeAt(2 * i + 1));
  }
  return bytes;
}

function digit(code: number): number {
  if (code < 0x3a) return code - 0x30;
  return (code & 0x5f) - 0x37;
}
