import { SignJWT } from 'jose';
import {
  type LinkKey,
  TICKET_ALGORITHM,
  TICKET_ISSUER,
  TICKET_LIFETIME_S,
  type TicketClaims,
} from './protocol/index.ts';

/** A ticket for one link to the verifier at `url`. */
export function signTicket(key: LinkKey, url: string, claims: TicketClaims): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: TICKET_ALGORITHM, kid: key.id })
    .setIssuer(TICKET_ISSUER)
    .setAudience(new URL(url).origin)
    .setIssuedAt()
    .setExpirationTime(`${TICKET_LIFETIME_S} s`)
    .setJti(crypto.randomUUID())
    .sign(key.secret);
}
