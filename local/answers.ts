/** Questions to a process of the service, each within a time limit that holds. */
import { get, type IncomingMessage } from 'node:http';

/*
 * Each question has a connection of its own and one timer over all of it. `fetch` is not used: on a
 * busy machine one start in some fifty hung for ever, as the body of an answer whose time was up
 * neither came nor failed (Node 20.20).
 */

/** Whether `url` answers 2xx within so long. The head of the answer is enough. */
export function answers(url: string, withinMs: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, ...(signal && { signal }) });
    const timer = setTimeout(() => request.destroy(), withinMs);
    request.on('response', (response) => {
      resolve(isOk(response));
      request.destroy();
    });
    request.on('error', () => resolve(false));
    request.on('close', () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}

/** The JSON that `url` answers under 2xx. Null where its last byte does not come within so long, or it is none. */
export function readJson<Body>(url: string, withinMs: number): Promise<Body | null> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false });
    const timer = setTimeout(() => request.destroy(), withinMs);
    request.on('response', (response) => {
      if (!isOk(response)) return void request.destroy();
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve(parsed<Body>(text)));
      // Broken off in its middle: the request's `close` settles it.
      response.on('error', () => {});
    });
    request.on('error', () => resolve(null));
    request.on('close', () => {
      clearTimeout(timer);
      resolve(null);
    });
  });
}

function isOk({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function parsed<Body>(text: string): Body | null {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return null;
  }
}
