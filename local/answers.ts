/** A question to a process of the service that costs nothing: does it answer? */
import { get } from 'node:http';

/**
 * Whether `url` answers 2xx within so long. Each question has a connection of its own, and the
 * head of the answer is enough. `fetch` is not used: on a busy machine one start in some fifty hung
 * for ever, as the body of an answer whose time was up neither came nor failed (Node 20.20).
 */
export function answers(url: string, withinMs: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, ...(signal && { signal }) });
    const timer = setTimeout(() => request.destroy(), withinMs);
    request.on('response', ({ statusCode = 0 }) => {
      resolve(statusCode >= 200 && statusCode < 300);
      request.destroy();
    });
    request.on('error', () => resolve(false));
    request.on('close', () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}
