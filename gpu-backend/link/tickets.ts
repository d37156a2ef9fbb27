/** Checks what a worker shows at the door: signature, audience, age, first use, and the model it was made for. */
import { errors, type JWTPayload, jwtVerify } from 'jose';
import {
  type Clock,
  type LinkKey,
  TICKET_ALGORITHM,
  TICKET_CLOCK_SKEW_S,
  TICKET_ISSUER,
  TICKET_LIFETIME_S,
  type TicketClaims,
} from '../../src/link/protocol/index.ts';
import { RETRY_AFTER_MS, Refusal } from '../turn/refusal.ts';

/** Nonces remembered: a thousand links a second for as long as a ticket can be valid. */
const MAX_NONCES = 1 << 16;
const NONCE_LIFE_MS = (TICKET_LIFETIME_S + 2 * TICKET_CLOCK_SKEW_S) * 1000;
const MAX_NONCE_LENGTH = 64;

export class Tickets {
  private readonly keys: readonly LinkKey[];
  private readonly audiences: string[];
  private readonly fingerprint: TicketClaims;
  private readonly clock: Clock;
  private readonly mostNonces: number;
  /** Nonce to when it may be forgotten, oldest first. */
  private readonly used = new Map<string, number>();

  /** `audiences`: origins under which workers reach this verifier. */
  constructor(
    keys: readonly LinkKey[],
    audiences: readonly string[],
    fingerprint: TicketClaims,
    clock: Clock,
    mostNonces = MAX_NONCES,
  ) {
    this.mostNonces = mostNonces;
    this.keys = keys;
    this.audiences = [...audiences];
    this.fingerprint = fingerprint;
    this.clock = clock;
  }

  /** Takes the `Authorization` header of a link's upgrade. Throws `Refusal` with the reason. */
  async admit(authorization: string | undefined): Promise<void> {
    if (this.keys.length === 0) return;
    const ticket = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1];
    if (!ticket) {
      throw new Refusal(
        'unauthorized',
        'no ticket: give the worker the LINK_KEYS of this verifier',
      );
    }
    const claims = await this.verify(ticket);
    for (const part of ['model', 'tokenizer'] as const) {
      if (claims[part] !== this.fingerprint[part]) {
        throw new Refusal('fingerprint', `the ticket is for another ${part}`);
      }
    }
    this.useOnce(claims.jti);
  }

  private async verify(ticket: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(
        ticket,
        ({ kid }) => {
          const key = this.keys.find(({ id }) => id === kid);
          if (!key) throw new Refusal('unauthorized', `the key "${kid}" is not known here`);
          return key.secret;
        },
        {
          algorithms: [TICKET_ALGORITHM],
          issuer: TICKET_ISSUER,
          audience: this.audiences,
          maxTokenAge: TICKET_LIFETIME_S,
          clockTolerance: TICKET_CLOCK_SKEW_S,
          requiredClaims: ['exp', 'jti'],
        },
      );
      return payload;
    } catch (error) {
      if (error instanceof Refusal) throw error;
      throw new Refusal('unauthorized', this.reason(error));
    }
  }

  private reason(error: unknown): string {
    if (error instanceof errors.JWTExpired) return 'the ticket has expired: check both clocks';
    if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') {
      return (
        `the ticket is for ${String(error.payload.aud)}, but this is ${this.audiences.join(', ')}: ` +
        'set LINK_AUDIENCE to the address that workers use'
      );
    }
    return `the ticket is not valid: ${(error as Error).message}`;
  }

  private useOnce(nonce: unknown): void {
    if (typeof nonce !== 'string' || nonce === '' || nonce.length > MAX_NONCE_LENGTH) {
      throw new Refusal('unauthorized', 'the ticket has no nonce');
    }
    const now = this.clock.now();
    for (const [old, until] of this.used) {
      if (until > now) break;
      this.used.delete(old);
    }
    if (this.used.has(nonce)) throw new Refusal('unauthorized', 'the ticket was used before');
    if (this.used.size >= this.mostNonces) {
      throw new Refusal('overloaded', 'too many links at once', RETRY_AFTER_MS);
    }
    this.used.set(nonce, now + NONCE_LIFE_MS);
  }
}
