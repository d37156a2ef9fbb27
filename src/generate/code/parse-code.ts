/**
 * Whether code is well formed, and how much of it is: the whole statements at its
 * beginning. The grammars are Lezer's, which go on behind an error and mark it.
 */
import { parser as javascript } from '@lezer/javascript';
import { parser as python } from '@lezer/python';

interface SyntaxNode {
  name: string;
  from: number;
  to: number;
  type: { isError: boolean };
}

const PARSERS = {
  typescript: javascript.configure({ dialect: 'ts jsx' }),
  python,
} as const;

/** JavaScript is read as TypeScript, which has it in it. */
export type CodeLanguage = keyof typeof PARSERS;

/** What a fence may call them. */
const NAMES: Readonly<Record<string, CodeLanguage>> = {
  ts: 'typescript',
  tsx: 'typescript',
  typescript: 'typescript',
  js: 'typescript',
  jsx: 'typescript',
  javascript: 'typescript',
  mjs: 'typescript',
  py: 'python',
  python: 'python',
  python3: 'python',
};

/** null for a language that can't be parsed here. */
export function languageNamed(name: string): CodeLanguage | null {
  return NAMES[name.toLowerCase()] ?? null;
}

export interface ParsedCode {
  /** The code up to the end of its last whole statement. */
  text: string;
  /** Whether that is all of it. */
  whole: boolean;
  /** Names of the nodes of its syntax tree and its identifiers, with how often each occurs. */
  shape: ReadonlyMap<string, number>;
}

/** O(code). */
export function parseCode(code: string, language: CodeLanguage): ParsedCode {
  const tree = PARSERS[language].parse(code);
  const errors: number[] = [];
  tree.iterate({
    enter: (node) => {
      if (node.type.isError) errors.push(node.from);
    },
  });
  const whole = errors.length === 0;
  const end = whole ? code.length : endBefore(errors[0]!, tree.topNode);
  const shape = new Map<string, number>();
  tree.iterate({
    to: end,
    enter: (node) => {
      if (node.to > end && !node.type.isTop) return false;
      const key = NAMING.test(node.name)
        ? `${node.name} ${code.slice(node.from, node.to)}`
        : node.name;
      shape.set(key, (shape.get(key) ?? 0) + 1);
      return true;
    },
  });
  return { text: whole ? code : code.slice(0, end), whole, shape };
}

const NAMING = /^(Variable|PropertyName|Property)/;

interface TopNode {
  firstChild: (SyntaxNode & { nextSibling: TopNode['firstChild'] }) | null;
}

/** The end of the last top-level statement that ends before the first error. */
function endBefore(error: number, top: TopNode): number {
  let end = 0;
  for (let node = top.firstChild; node && node.to <= error; node = node.nextSibling) {
    // An error may stand at the very end of what it is in.
    if (node.to === error && error > node.from) break;
    if (!node.type.isError) end = node.to;
  }
  return end;
}
