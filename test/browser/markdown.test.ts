/** Markdown as models write it: what it becomes, where it is, and that nothing of it becomes markup. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMarkdown } from '../../web/turn/markdown.js';

interface Parsed {
  tag: string;
  start: number;
  end: number;
  children?: Parsed[];
  href?: string;
}

/** As tags around the texts, for reading. */
function shown(text: string): string {
  const show = ({ tag, start, end, children, href }: Parsed): string =>
    children === undefined
      ? text.slice(start, end)
      : `<${tag}${href ? ` ${href}` : ''}>${children.map(show).join('')}</${tag}>`;
  return parseMarkdown(text).map(show).join('');
}

describe('what models write', () => {
  test.each([
    ['plain\nlines', '<p>plain\nlines</p>'],
    ['# A *title*\ntext', '<h3>A <em>title</em></h3><p>text</p>'],
    ['a **b** `c*d*` __e__', '<p>a <strong>b</strong> <code>c*d*</code> <strong>e</strong></p>'],
    ['snake_case_name and 2 * 3 * 4', '<p>snake_case_name and 2 * 3 * 4</p>'],
    ['- a\n- b\n  - c\n\n1. d', '<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>'],
    ['1. a\n2. b', '<ol><li>a</li><li>b</li></ol>'],
    [
      '| a | b |\n|---|---|\n| 1 | **2** |',
      '<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td><strong>2</strong></td></tr></table>',
    ],
    ['```js\nlet a = "*b*";\n```\nend', '<pre><code>let a = "*b*";</code></pre><p>end</p>'],
    ['```\nnot closed yet', '<pre><code>not closed yet</code></pre>'],
    ['> said\n> so', '<blockquote><p>said\nso</p></blockquote>'],
    [
      '[a link](https://a.example/b) [no](javascript:x)',
      '<p><a https://a.example/b>a link</a> [no](javascript:x)</p>',
    ],
    ['<img src=x onerror=alert(1)>', '<p><img src=x onerror=alert(1)></p>'],
  ])('%j', (text, expected) => {
    expect(shown(text)).toBe(expected);
  });
});

test('any text: every place is in it, in order, and no letter is lost', () => {
  const pieces = fc.constantFrom(
    ...[
      '# ',
      '- ',
      '1. ',
      '> ',
      '|',
      '|---|',
      '**',
      '*',
      '_',
      '`',
      '[a](https://b)',
      '\n',
      '  ',
      'word',
      ' ',
      '<b>',
    ],
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (list) => {
      const text = list.join('');
      const letters: string[] = [];
      const check = (nodes: Parsed[], from: number, to: number): void => {
        let at = from;
        for (const { start, end, children } of nodes) {
          expect(start).toBeGreaterThanOrEqual(at);
          expect(end).toBeGreaterThanOrEqual(start);
          expect(end).toBeLessThanOrEqual(to);
          if (children) check(children, start, end);
          else letters.push(text.slice(start, end));
          at = end;
        }
      };
      check(parseMarkdown(text), 0, text.length);
      expect(letters.join('').match(/word/g)?.length).toBe(text.match(/word/g)?.length);
    }),
  );
});

test('deep nesting and long runs of marks end', () => {
  for (const text of [
    '> '.repeat(5000),
    '- '.repeat(5000),
    '*a '.repeat(3000),
    '`'.repeat(9000),
    '[a]('.repeat(3000),
  ]) {
    const started = performance.now();
    parseMarkdown(text);
    expect(performance.now() - started).toBeLessThan(2000);
  }
});
