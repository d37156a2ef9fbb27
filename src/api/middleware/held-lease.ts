/** What a request counts for at its key's limiter, kept until its answer's last byte has been taken. */
import { LEASE_MS } from '../../meter/request-meter.ts';

export class HeldLease {
  private readonly renewal: ReturnType<typeof setInterval>;
  private readonly release: () => void;

  /** `renew` is called as often as a lease needs it, `release` once. */
  constructor(renew: () => void, release: () => void) {
    this.renewal = setInterval(renew, LEASE_MS / 2);
    this.release = release;
  }

  /** Gives it back when `sent` is over: all of a stream has been taken, or its reader has gone. At once without one. */
  until(sent: Promise<void> | undefined): void {
    const end = () => this.end();
    if (sent) void sent.then(end, end);
    else end();
  }

  private end(): void {
    clearInterval(this.renewal);
    this.release();
  }
}
