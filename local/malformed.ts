/**
 * Requests that the front of `npm start` refuses itself: what is no HTTP, and what the
 * runtime's proxy would answer with a 500 of its own or take for another address.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** Paths of the local runtime's tools. */
const RUNTIME_PATH = /^[/\\]+cdn-cgi(\/|$)/i;
/** Resolves a path as the runtime does, which knows no other. */
const ANY_ORIGIN = 'http://front.invalid';

interface Fault {
  status: number;
  message: string;
}

/** Why the request goes no further; null where it may. */
export function faultOf({ url = '', method, headers, httpVersion }: IncomingMessage): Fault | null {
  if (!url.startsWith('/')) {
    return { status: 400, message: 'the target of a request must be a path, like /v1/models' };
  }
  if (headers.host === undefined && httpVersion === '1.1') {
    return { status: 400, message: 'the header "Host" is missing' };
  }
  if (headers.host && !URL.canParse(`http://${headers.host}`)) {
    return { status: 400, message: 'the header "Host" must be a name, or a name and a port' };
  }
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    const message = 'the header "Transfer-Encoding" may only be "chunked": send the body unpacked';
    return { status: 400, message };
  }
  return RUNTIME_PATH.test(resolved(url))
    ? { status: 404, message: `no route ${method} ${url}` }
    : null;
}

/** Dots, backslashes, encoded slashes and letters name the same path to the runtime. */
function resolved(path: string): string {
  const url = ANY_ORIGIN + path;
  const { pathname } = URL.canParse(url) ? new URL(url) : { pathname: path };
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}

/** In OpenAI's form, as the worker's own refusals. */
export function refuse(
  response: ServerResponse,
  status: number,
  code: string | null,
  message: string,
): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(bodyOf(status, code, message));
}

function bodyOf(status: number, code: string | null, message: string): string {
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  return JSON.stringify({ error: { message, type, param: null, code } });
}

/** By the HTTP parser's code: what it says of a request that it could not read. */
const UNREADABLE: Readonly<Record<string, Fault>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    message: 'the address and headers are too long: shorten them',
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    message: 'its chunks have extensions: leave them out',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    message: 'the request did not come in time: send it again',
  },
};

/** Answers what is no HTTP, where nothing has been answered on its connection yet, and closes that. */
export function refuseUnreadable(
  error: NodeJS.ErrnoException & { reason?: string },
  socket: Duplex,
  isAnswering: boolean,
): void {
  if (isAnswering || !socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const { status, message } = UNREADABLE[error.code ?? ''] ?? {
    status: 400,
    message: `the request is not valid HTTP/1.1 (${error.reason ?? error.message}): mend the client`,
  };
  const body = bodyOf(status, null, message);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
