/** One line of progress on a terminal; nothing where the output is no terminal. */
import type { WriteStream } from 'node:tty';

const WIDTH = 30;
const REDRAW_MS = 100;
const CLEAR_LINE = '\r\x1b[K';

export class ProgressBar {
  private readonly out: WriteStream;
  private drawn = 0;

  constructor(out: WriteStream) {
    this.out = out;
  }

  /** `done` of `total` bytes. */
  show(what: string, done: number, total: number): void {
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    this.draw(what, done, total, `${megabytes(done)} of ${megabytes(total)} MB`);
  }

  /** `done` of `total` things. */
  count(what: string, done: number, total: number): void {
    this.draw(what, done, total, `${done} of ${total}`);
  }

  finish(): void {
    if (this.out.isTTY) this.out.write(CLEAR_LINE);
  }

  private draw(what: string, done: number, total: number, figures: string): void {
    const now = Date.now();
    if (!this.out.isTTY || (now - this.drawn < REDRAW_MS && done < total)) return;
    this.drawn = now;
    const share = total > 0 ? done / total : 1;
    const bar = '█'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '░');
    this.out.write(`${CLEAR_LINE}${what} ${bar} ${figures}`);
  }
}
