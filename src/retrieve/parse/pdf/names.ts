/** Names in a PDF may have any character as `#` and its code. (PDF 32000-1, 7.3.5) */

/** The text with such characters as themselves. */
export function plain(text: string): string {
  return text.includes('#')
    ? text.replace(/#([\da-f]{2})/gi, (_, code: string) =>
        String.fromCharCode(Number.parseInt(code, 16)),
      )
    : text;
}
