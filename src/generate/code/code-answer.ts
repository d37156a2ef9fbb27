/** The code of an answer: what stands between fences, or the answer itself. */
import { type CodeLanguage, languageNamed, type ParsedCode, parseCode } from './parse-code.ts';

/** A fence opens on a line of its own; a model that was cut off may not have closed it. What follows its name begins with another character, so there is one way to match a line. */
const FENCE = /(^|\n)```([\w+#.-]*)(?:[^\n\w+#.-][^\n]*)?\n([\s\S]*?)(?:\n?```|$)/;

export interface CodeAnswer {
  /** The answer with its code cut to what parses. */
  text: string;
  code: ParsedCode;
}

/** null where nothing of it parses. Without fences the whole answer has to be code. */
export function codeAnswer(answer: string): CodeAnswer | null {
  const fence = FENCE.exec(answer);
  if (!fence) {
    const code = parseAny(answer);
    return code && { text: code.text, code };
  }
  const [all, before, name, inside] = fence as unknown as [string, string, string, string];
  const language = languageNamed(name);
  if (name !== '' && !language) return null;
  const code = language ? parsed(inside, language) : parseAny(inside);
  if (!code) return null;
  const block = `${before}\`\`\`${name}\n${code.text.replace(/\n$/, '')}\n\`\`\``;
  return { text: answer.replace(all, () => block), code };
}

/** In the language of which more parses. */
function parseAny(text: string): ParsedCode | null {
  const all = (['typescript', 'python'] as const).flatMap((one) => parsed(text, one) ?? []);
  return all.sort((a, b) => b.text.length - a.text.length)[0] ?? null;
}

function parsed(text: string, language: CodeLanguage): ParsedCode | null {
  const code = parseCode(text, language);
  return code.text.trim() === '' ? null : code;
}
