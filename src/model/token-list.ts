/** More tokens than there is room for: at least so many. The rest was not counted. */
export class TooManyTokens extends Error {
  override readonly name = 'TooManyTokens';
  readonly least: number;
  readonly most: number;

  constructor(least: number, most: number) {
    super(`the text has at least ${least} tokens, more than ${most}`);
    this.least = least;
    this.most = most;
  }
}

/** Token ids as they are made, at most so many. */
export class TokenList {
  readonly most: number;
  size = 0;
  private ids = new Int32Array(256);
  private readonly omitted: ReadonlySet<number> | null;

  /** @param omitted ids that are not taken up */
  constructor(most = Number.POSITIVE_INFINITY, omitted: ReadonlySet<number> | null = null) {
    this.most = most;
    this.omitted = omitted;
  }

  /** Throws `TooManyTokens`. */
  push(id: number): void {
    if (!this.omitted?.has(id)) this.pushWritten(id);
  }

  /** Also one of those that are not taken up. Throws `TooManyTokens`. */
  pushWritten(id: number): void {
    if (this.size >= this.most) throw new TooManyTokens(this.size + 1, this.most);
    if (this.size === this.ids.length) {
      const grown = new Int32Array(2 * this.size);
      grown.set(this.ids);
      this.ids = grown;
    }
    this.ids[this.size++] = id;
  }

  /** Refuses text of which it is known that it has so many tokens. Throws `TooManyTokens`. */
  requireRoom(tokens: number): void {
    const least = this.size + tokens;
    if (least > this.most) throw new TooManyTokens(least, this.most);
  }

  toArray(): Int32Array {
    return this.ids.slice(0, this.size);
  }
}
