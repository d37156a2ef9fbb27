/** `rank: "code"`: what parses is kept, cut to whole statements, and ranked. */
import { describe, expect, test } from 'vitest';
import { meanNdcg, RANKINGS } from '../../bench/rank/rankings.ts';
import { readCodeTasks } from '../../bench/rank/tasks.ts';
import { rankedChoices } from '../../src/api/chat/ranked-choices.ts';
import { codeAnswer } from '../../src/generate/code/code-answer.ts';
import { languageNamed, MAX_PARSED_CODE, parseCode } from '../../src/generate/code/parse-code.ts';
import { rankCode, rankCodeInSlices } from '../../src/generate/code/rank-code.ts';
import { isUnwritten } from '../../src/generate/code/unwritten.ts';

const ADD = 'function add(a: number, b: number): number {\n  return a + b;\n}';
const ADD_PY = 'def add(a, b):\n    return a + b';

describe('code', () => {
  test('is cut to its whole statements', () => {
    expect(parseCode(ADD, 'typescript')).toMatchObject({ text: ADD, whole: true });
    expect(parseCode(`${ADD}\nfunction sub(a`, 'typescript')).toMatchObject({
      text: ADD,
      whole: false,
    });
    expect(parseCode(`${ADD_PY}\n\ndef sub(a,`, 'python').text).toBe(`${ADD_PY}\n`);
    expect(parseCode('def (', 'python').text).toBe('');
    expect(parseCode('', 'python')).toMatchObject({ text: '', whole: true });
  });

  test('with type parameters or JSX is TypeScript all the same', () => {
    for (const code of ['const same = <T>(x: T) => x;', 'const page = <p>{text}</p>;']) {
      expect(parseCode(code, 'typescript').whole).toBe(true);
    }
  });

  test('an unfinished statement is not kept, wherever it breaks off', () => {
    const source = `${ADD}\nconst five = add(2, 3);\nexport { five };\n`;
    for (let end = 0; end < source.length; end++) {
      const { text } = parseCode(source.slice(0, end), 'typescript');
      expect(source.startsWith(text)).toBe(true);
      expect(parseCode(text, 'typescript').whole).toBe(true);
    }
  });

  test('is found between fences, which are closed', () => {
    const cut = codeAnswer(`Here it is:\n\`\`\`python\n${ADD_PY}\n\ndef sub(a,`);
    expect(cut!.text).toBe(`Here it is:\n\`\`\`python\n${ADD_PY}\n\`\`\``);
    expect(codeAnswer(`\`\`\`ts\n${ADD}\n\`\`\`\nIt adds.`)!.text).toContain('It adds.');
    expect(codeAnswer('```haskell\nadd = (+)\n```')).toBeNull();
    expect(codeAnswer(ADD_PY)!.code.whole).toBe(true);
    expect(codeAnswer('I would rather not say.')).toBeNull();
  });

  test('languages go by the names that fences have', () => {
    expect(languageNamed('TSX')).toBe('typescript');
    expect(languageNamed('py')).toBe('python');
    expect(languageNamed('cobol')).toBeNull();
  });
});

describe('ranking', () => {
  test('whole code comes first, then cut code; what does not parse is left out', () => {
    const answers = ['def (', `${ADD_PY}\n\ndef sub(a,`, ADD_PY];
    expect(rankCode(answers).map(({ index }) => index)).toEqual([2, 1]);
  });

  test('code that leaves its parts to be filled in comes after code that does not', () => {
    const stubs = ['def add(a, b):\n    pass\n', 'def add(a, b):\n    # TODO\n    return 0'];
    expect(rankCode([...stubs, ADD_PY])[0]!.index).toBe(2);
  });

  test.each([
    ['if x:\n\n    pass\n', true],
    ['def f():\r\n    ...', true],
    ['def f():\n    passed()\n', false],
    ['def f():\n    x = 1\n    pass\n', false],
    ['function f() {}\n\n', true],
    ['function f() { // later\n}', true],
    ['function f() {\n  // later\n}', true],
    ['function f() {\n  g(); // now\n}', false],
    ['function f() {\n  // now\n  g();\n}', false],
    ['f() # ...', true],
  ])('%j is left to be filled in: %s', (code, unwritten) => {
    expect(isUnwritten(code)).toBe(unwritten);
  });

  // Each took seconds to minutes while matching was quadratic, longer than a test may.
  test('hostile answers are read in one walk', () => {
    const n = 1_000_000;
    for (const code of [
      `if x:${'\n'.repeat(n)}`,
      ':\n'.repeat(n),
      '{//'.repeat(n),
      `{//${' '.repeat(n)}`,
      `f() {}${' '.repeat(n)}.`,
    ]) {
      expect(isUnwritten(code)).toBe(false);
    }
    expect(codeAnswer(`\`\`\`${'a'.repeat(n)}`)).toBeNull();
    expect(rankCode([`if x:${'\n'.repeat(32_000)}y`, ADD_PY])[0]!.index).toBe(1);
  });

  test('the shape of nested code is no longer than the code, however deep it is', () => {
    const deep = 400;
    const name = 'x'.repeat(20_000);
    const close = '}'.repeat(deep);
    for (const code of [
      `({${'a:{'.repeat(deep)}${name}:1${close}})`,
      `${'let a = function(){'.repeat(deep)}${name}${close}`,
      `let a: ${'{a: '.repeat(deep)}${name}${close}`,
    ]) {
      const { whole, shape } = parseCode(code, 'typescript');
      expect(whole).toBe(true);
      const length = [...shape.keys()].reduce((sum, key) => sum + key.length, 0);
      expect(length).toBeLessThan(2 * code.length);
    }
  });

  test('code beyond the limit is cut off at a whole statement', () => {
    const long = 'f();\n'.repeat(MAX_PARSED_CODE);
    const { text, whole } = parseCode(long, 'typescript');
    expect(text.length).toBeLessThanOrEqual(MAX_PARSED_CODE);
    expect(text.length).toBeGreaterThan(MAX_PARSED_CODE - 10);
    expect(whole).toBe(false);
  });

  test('a slice is one answer', () => {
    expect([...rankCodeInSlices([ADD, 'def (', ADD_PY])]).toHaveLength(5);
  });

  test('what several say comes before what one says', () => {
    const odd = 'def add(a, b):\n    for x in range(b):\n        print(x)\n    return 7';
    expect(rankCode([odd, ADD_PY, ADD_PY]).map(({ index }) => index)).toEqual([1, 2, 0]);
  });

  test('choices are numbered anew and say which they were', async () => {
    const choice = (index: number, content: string) => ({
      index,
      message: { content, annotations: [{}] },
    });
    const ranked = await rankedChoices([
      choice(0, 'def ('),
      choice(1, `${ADD_PY}\n\ndef`),
      choice(2, ADD_PY),
    ]);
    expect(ranked.map(({ index, rank }) => [index, rank?.choice, rank?.whole])).toEqual([
      [0, 2, true],
      [1, 1, false],
    ]);
    expect(ranked.map(({ message }) => message.annotations.length)).toEqual([1, 0]);
    expect(await rankedChoices([choice(0, 'def (')])).toMatchObject([{ index: 0, rank: null }]);
  });

  test('on the committed tasks it ranks better than the order of generation', () => {
    const tasks = readCodeTasks();
    expect(tasks.length).toBeGreaterThanOrEqual(10);
    const ndcg = (name: keyof typeof RANKINGS) => meanNdcg(tasks, RANKINGS[name]);
    expect(ndcg('rank: code')).toBeGreaterThan(ndcg('as generated') + 0.05);
    expect(ndcg('rank: code')).toBeGreaterThan(ndcg('parses or not'));
  });
});
