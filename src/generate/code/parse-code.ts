/**
 * Whether code is well formed, and how much of it is: the whole statements at its
 * beginning. The grammars are Lezer's, which go on behind an error and mark it.
 */
import { parser as javascript } from '@lezer/javascript';
import { parser as python } from '@lezer/python';

type Tree = ReturnType<typeof python.parse>;

/**
 * The grammars of a language, the likelier first. JavaScript is read as TypeScript, which
 * has it in it. With JSX `<T>(x: T) => x` is an element that is never closed, so both
 * are tried.
 */
const GRAMMARS = {
  typescript: [
    javascript.configure({ dialect: 'ts' }),
    javascript.configure({ dialect: 'ts jsx' }),
  ],
  python: [python],
} as const;

/** Characters of code that are parsed; the rest is cut off. Several answers are parsed in a request, in the thread of all. */
export const MAX_PARSED_CODE = 65_536;

export type CodeLanguage = keyof typeof GRAMMARS;

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

/** O(code), of which `MAX_PARSED_CODE` characters are read. */
export function parseCode(all: string, language: CodeLanguage): ParsedCode {
  const code = all.slice(0, MAX_PARSED_CODE);
  let best: { tree: Tree; end: number } | null = null;
  for (const grammar of GRAMMARS[language]) {
    const tree = grammar.parse(code);
    const end = wholeUntil(tree, code.length);
    if (!best || end > best.end) best = { tree, end };
    if (end === code.length) break;
  }
  const { tree, end } = best!;
  return { text: code.slice(0, end), whole: end === all.length, shape: shapeOf(tree, code, end) };
}

/** `length` where nothing is wrong, else the end of the last top-level statement before the first error. */
function wholeUntil(tree: Tree, length: number): number {
  let error = -1;
  tree.iterate({
    enter: (node) => {
      if (error < 0 && node.type.isError) error = node.from;
    },
  });
  if (error < 0) return length;
  let end = 0;
  for (let node = tree.topNode.firstChild; node && node.to <= error; node = node.nextSibling) {
    // An error may stand at the very end of what it is in.
    if (node.to === error && error > node.from) break;
    if (!node.type.isError) end = node.to;
  }
  return end;
}

/** Nodes that are a name, and hold no others: what those that do hold say, their parts say again. */
const NAMING = new Set([
  'VariableName',
  'VariableDefinition',
  'PropertyName',
  'PropertyDefinition',
]);

/** O(nodes + code). */
function shapeOf(tree: Tree, code: string, end: number): Map<string, number> {
  const shape = new Map<string, number>();
  tree.iterate({
    to: end,
    enter: ({ name, from, to, type }) => {
      if (to > end && !type.isTop) return false;
      const key = NAMING.has(name) ? `${name} ${code.slice(from, to)}` : name;
      shape.set(key, (shape.get(key) ?? 0) + 1);
      return true;
    },
  });
  return shape;
}
