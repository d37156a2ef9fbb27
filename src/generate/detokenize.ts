/**
 * Tokens to text, as they come, never half a character.
 *
 * A token can end inside a character, and some tokenizers decode a token
 * differently after others (a leading space, say). So each text is the
 * difference of two decodings that begin at the same earlier token: one up to
 * what was emitted, one up to now. While the end is incomplete (it decodes to
 * U+FFFD) nothing is emitted and the tokens wait. O(window) a token; the window
 * is the last emitted piece and what waits.
 */

export interface Decoder {
  /** Is never given an empty list, which Hugging Face's tokenizers refuse. */
  decode(ids: number[]): string;
}

/** After so many waiting tokens the bytes are no character and never will be: they go out as U+FFFD. */
export const MAX_WAITING_TOKENS = 16;

export class Detokenizer {
  private readonly decoder: Decoder;
  private window: number[] = [];
  /** Of the window, how many tokens are emitted. */
  private emitted = 0;
  private emittedText = '';

  constructor(decoder: Decoder) {
    this.decoder = decoder;
  }

  /** The text that `token` completes; empty while a character is open. */
  push(token: number): string {
    this.window.push(token);
    const text = this.decoder.decode(this.window);
    const waiting = this.window.length - this.emitted;
    if (text.endsWith('\ufffd') && waiting < MAX_WAITING_TOKENS) return '';
    const fresh = text.slice(this.emittedText.length);
    this.window = this.window.slice(this.emitted);
    this.emitted = this.window.length;
    this.emittedText = this.decoder.decode(this.window);
    return fresh;
  }

  /** What is still waiting at the end of the answer. */
  flush(): string {
    if (this.window.length === 0) return '';
    return this.decoder.decode(this.window).slice(this.emittedText.length);
  }
}
