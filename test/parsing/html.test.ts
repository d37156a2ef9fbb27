/** HTML: tables and lists in each other, what belongs to the text, and what is named as left out. */
import { expect, test } from 'vitest';
import { blocks, document } from '../support/blocks.ts';

const KEPT: [what: string, html: string, texts: string[]][] = [
  [
    'a table in a cell',
    '<table><tr><td>Outer</td><td><table><tr><td>Inner</td><td>42</td></tr><tr><td>Next</td></tr></table> right</td></tr><tr><td>Second</td><td>x</td></tr></table>',
    ['| Outer | Inner, 42; Next right |\n| --- | --- |\n| Second | x |'],
  ],
  [
    'a list in a cell',
    '<table><tr><td>Tools</td><td>Two:<ul><li>saw</li><li>rake</li></ul></td></tr></table>',
    ['| Tools | Two:; saw; rake |\n| --- | --- |'],
  ],
  [
    'paragraphs in a cell',
    '<table><tr><td><p>One</p><p>two</p></td><td>three<br>four</td></tr></table>',
    ['| One two | three four |\n| --- | --- |'],
  ],
  [
    'a table that is only layout',
    '<table><tr><td>Menu</td><td><h2>Rules</h2><p>Quiet.</p><table><tr><td>a</td><td>b</td></tr></table></td></tr></table>',
    ['Menu', 'Quiet.', '| a | b |\n| --- | --- |'],
  ],
  [
    'rows and cells that nothing closes',
    '<table><caption>Rates</caption><thead><tr><th>A<th>B<tbody><tr><td>1<td>2<tr><td>3</table>After',
    ['Rates', '| A | B |\n| --- | --- |\n| 1 | 2 |\n| 3 |', 'After'],
  ],
  [
    'headings of columns',
    '<table><tr><th><h3>Month</h3></th><th>Work</th></tr></table>',
    ['| Month | Work |\n| --- | --- |'],
  ],
  [
    'text between cells',
    '<table><tr>stray<td>cell</td></tr>more</table>',
    ['| stray | cell |\n| --- | --- |\n| more |'],
  ],
  [
    'a footer in an article',
    '<article><p>Text.</p><footer>By Ocelot</footer></article>',
    ['Text.', 'By Ocelot'],
  ],
  [
    'navigation that nothing closes',
    '<nav>Home<p>Text about lemurs.</p>',
    ['Home', 'Text about lemurs.'],
  ],
  [
    'soft hyphens',
    'K&uuml;n&shy;di&#173;gung, zero\u200bwidth, a&#8203;b',
    ['Kündigung, zerowidth, ab'],
  ],
  ['descriptions of pictures', '<p>See <img alt="a fox" src="f.png"> run</p>', ['See a fox run']],
  ['lines of code', '<pre><div>a = 1</div><div>b = 2</div></pre>', ['```\na = 1\nb = 2\n```']],
  ['a tag in which the page breaks off', 'It ends <strong class=', ['It ends <strong class=']],
  [
    'a word of several elements',
    'un<b>break</b>able <ruby>漢<rt>kan</rt></ruby>',
    ['unbreakable 漢kan'],
  ],
];

test.each(KEPT)('kept: %s', async (_, html, texts) => {
  expect(await blocks('a.html', html)).toEqual(texts);
});

test('the title is decoded, and shortened in front of passages', async () => {
  const { sections } = await document('a.html', '<title>K&uuml;che &amp; Bad</title><p>Text.');
  expect(sections).toMatchObject([{ title: 'Küche & Bad', heading: 'Küche & Bad' }]);
  const long = `Long ${'title '.repeat(30)}with an okapi`;
  const page = await document('a.html', `<title>${long}</title><p>Text.`);
  expect(page.sections[0]!.title).toHaveLength(80);
  expect(page.sections[0]!.blocks.map(({ text }) => text)).toEqual(['Text.', long]);
});

test('what is left out is named, but for scripts and styles', async () => {
  const page = `<style>p{}</style><script>go()</script><nav>Home</nav><nav>Up</nav><!-- a note -->
    <select><option>Red</option></select><svg><text>Drawn</text></svg><p>Text.</p>
    <footer>Imprint</footer><noscript>Turn it on</noscript><nav> </nav>`;
  const { sections, leftOut } = await document('a.html', page);
  expect(sections[0]!.blocks.map(({ text }) => text)).toEqual(['Text.']);
  expect(leftOut.map(({ name }) => name).sort()).toEqual([
    ...['comments', 'content for other browsers', 'controls', 'drawings', 'navigation (2)'],
    'the page’s footer',
  ]);
});

test('lists in each other are indented, up to a bound', async () => {
  const nested = `${'<ul><li>item'.repeat(500)}${'</ul>'.repeat(500)}`;
  const lines = (await blocks('a.html', nested)).join('\n').split('\n');
  expect(lines).toHaveLength(500);
  expect(lines[2]).toBe('    - item');
  expect(Math.max(...lines.map(({ length }) => length))).toBe('- item'.length + 16);
});
