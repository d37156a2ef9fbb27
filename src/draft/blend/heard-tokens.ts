/**
 * When and how often the session said a token, whatever came before it: what a text
 * is about comes up again. A table without chains, in which of tokens that share a
 * place the last one stays: a miss blurs an estimate and does nothing else. O(1) a token.
 */
const PLACE_BITS = 13;
const PLACES = 1 << PLACE_BITS;
const NO_TOKEN = -1;
const MAX_COUNT = 255;

export class HeardTokens {
  private readonly tokens = new Int32Array(PLACES).fill(NO_TOKEN);
  private readonly positions = new Int32Array(PLACES);
  private readonly counts = new Uint8Array(PLACES);
  private length = 0;

  begin(prompt: Int32Array): void {
    this.tokens.fill(NO_TOKEN);
    this.length = 0;
    for (let i = 0; i < prompt.length; i++) this.push(prompt[i]!);
  }

  push(token: number): void {
    const place = placeOf(token);
    const known = this.tokens[place] === token;
    this.tokens[place] = token;
    this.positions[place] = this.length++;
    this.counts[place] = known ? Math.min(MAX_COUNT, this.counts[place]! + 1) : 1;
  }

  /** Where `token` is, or -1 if it was not said. */
  find(token: number): number {
    const place = placeOf(token);
    return this.tokens[place] === token ? place : -1;
  }

  /** Tokens since that of `place` was said, from 1 on. */
  age(place: number): number {
    return this.length - this.positions[place]!;
  }

  /** Times that it was said, up to `MAX_COUNT`. */
  count(place: number): number {
    return this.counts[place]!;
  }

  /** Throws unless each token is where it is looked for, and was said. For tests; O(places). */
  checkIntegrity(): void {
    for (let place = 0; place < PLACES; place++) {
      const token = this.tokens[place]!;
      if (token === NO_TOKEN) continue;
      const said = this.counts[place]! > 0 && this.positions[place]! < this.length;
      if (!said || this.find(token) !== place) throw new Error(`token ${token} is not at ${place}`);
    }
  }
}

function placeOf(token: number): number {
  return Math.imul(token + 1, 0x9e3779b1) >>> (32 - PLACE_BITS);
}
