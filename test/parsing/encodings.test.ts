/** A file is text in the encoding that it is in, declared or not, damaged or not. */
import { Miniflare } from 'miniflare';
import { expect, test } from 'vitest';
import { runAtOnce } from '../../src/pause.ts';
import { decode } from '../../src/retrieve/parse/decode.ts';
import { blocks, document } from '../support/blocks.ts';

const bytes = (hexadecimal: string) => new Uint8Array(Buffer.from(hexadecimal, 'hex'));
const latin = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

/** As other programs write them. */
const ENCODED: [encoding: string, text: string, hexadecimal: string][] = [
  [
    'windows-1252',
    'Die Müllabfuhr kommt früh – “leise” für 5 €.',
    '446965204dfc6c6c616266756872206b6f6d6d74206672fc68209620936c65697365942066fc72203520802e',
  ],
  ['windows-1252', 'Straße', '53747261df65'],
  [
    'windows-1251',
    'Договор аренды квартиры подписан в марте, залог возвращается летом.',
    'c4eee3eee2eef020e0f0e5ede4fb20eae2e0f0f2e8f0fb20efeee4efe8f1e0ed20e220ece0f0f2e52c20e7e0ebeee320e2eee7e2f0e0f9e0e5f2f1ff20ebe5f2eeec2e',
  ],
  [
    'shift_jis',
    'この契約の解約通知期間は三十日です。敷金は家賃三か月分です。',
    '82b182cc8c5f96f182cc89f096f192ca926d8afa8ad482cd8e4f8f5c93fa82c582b78142957e8be082cd89c692c08e4f82a98c8e95aa82c582b78142',
  ],
  [
    'euc-jp',
    'この契約の解約通知期間は三十日です。敷金は家賃三か月分です。',
    'a4b3a4ceb7c0ccf3a4ceb2f2ccf3c4ccc3ceb4fcb4d6a4cfbbb0bdbdc6fca4c7a4b9a1a3c9dfb6e2a4cfb2c8c4c2bbb0a4abb7eecaaca4c7a4b9a1a3',
  ],
  [
    'iso-2022-jp',
    'この契約の解約通知期間は三十日です。',
    '1b24422433244e37404c73244e32724c73444c434e347c3456244f3b303d3d467c2447243921231b2842',
  ],
  [
    'gb18030',
    '本合同的解约通知期为三十天。押金为三个月租金。电梯每年检查。',
    'b1bebacfcdacb5c4bde2d4bccda8d6aac6daceaac8fdcaaecceca1a3d1babdf0ceaac8fdb8f6d4c2d7e2bdf0a1a3b5e7ccddc3bfc4eabcecb2e9a1a3',
  ],
  [
    'big5',
    '本合約的解約通知期為三十天。押金為三個月租金。電梯每年檢查。',
    'a5bba658acf9aabab8d1acf9b371aabeb4c1acb0a454a451a4d1a143a9e3aaf7acb0a454add3a4ebafb2aaf7a143b971b1e8a843a67ec0cbac64a143',
  ],
  [
    'euc-kr',
    '이 계약의 해지 통지 기간은 삼십 일입니다. 보증금은 석 달 치 집세입니다.',
    'c0cc20b0e8bee0c0c720c7d8c1f620c5ebc1f620b1e2b0a3c0ba20bbefbdca20c0cfc0d4b4cfb4d92e20bab8c1f5b1ddc0ba20bcae20b4de20c4a120c1fdbcbcc0d4b4cfb4d92e',
  ],
];

test.each(ENCODED)(
  '%s is detected, and read where it is declared: %s',
  async (encoding, text, hexadecimal) => {
    const content = bytes(hexadecimal);
    expect(await blocks('a.txt', content)).toEqual([text]);
    expect(await blocks('a.txt', content, `text/plain; charset=${encoding}`)).toEqual([text]);
    const page = Buffer.concat([
      Buffer.from(`<html><head><meta charset="${encoding}"></head><p>`),
      content,
      Buffer.from('</p></html>'),
    ]);
    expect(await blocks('a.html', new Uint8Array(page))).toEqual([text]);
  },
);

const DECLARED: [
  what: string,
  name: string,
  content: Uint8Array<ArrayBuffer>,
  text: string,
  type?: string,
][] = [
  [
    'in an old form',
    'a.html',
    latin('<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1"><p>M\xfcll'),
    'Müll',
  ],
  ['in XML', 'a.xhtml', latin('<?xml version="1.0" encoding="ISO-8859-1"?><p>M\xfcll</p>'), 'Müll'],
  [
    'in XML as code',
    'a.xml',
    latin('<?xml version="1.0" encoding="ISO-8859-1"?>\n<p>M\xfcll</p>'),
    '```xml\n<?xml version="1.0" encoding="ISO-8859-1"?>\n<p>Müll</p>\n```',
  ],
  [
    'by the content type before the page',
    'a.html',
    latin('<meta charset="shift_jis"><p>M\xfcll'),
    'Müll',
    'text/html; charset="ISO-8859-1"',
  ],
  [
    'by an unknown name',
    'a.txt',
    latin('M\xfcll und M\xfcnzen, gr\xfcn und blau'),
    'Müll und Münzen, grün und blau',
    'text/plain; charset=x-none',
  ],
  [
    'falsely, by one of a byte a character',
    'a.txt',
    new Uint8Array(Buffer.from('Müll')),
    'Müll',
    'text/plain; charset=iso-8859-1',
  ],
  [
    'falsely, by UTF-8',
    'a.html',
    latin('<meta charset="utf-8"><p>Die M\xfcllabfuhr kommt fr\xfch'),
    'Die Müllabfuhr kommt früh',
  ],
  [
    'falsely, by UTF-16',
    'a.html',
    new Uint8Array(Buffer.from('<meta charset="utf-16"><p>Müll')),
    'Müll',
  ],
  [
    'by a mark',
    'a.txt',
    new Uint8Array(Buffer.from('\uFEFFMüll')),
    'Müll',
    'text/plain; charset=iso-8859-1',
  ],
  [
    'by no mark, in UTF-16',
    'a.txt',
    new Uint8Array(Buffer.from('Die Müllabfuhr', 'utf16le')),
    'Die Müllabfuhr',
  ],
  ['by a mark, in UTF-16 the other way', 'a.txt', bytes('feff004d00fc006c006c'), 'Müll'],
];

test.each(DECLARED)('declared %s', async (_, name, content, text, type) => {
  expect(await blocks(name, content, type)).toEqual([text]);
});

test('a bad byte is named, and the rest of the text is read', async () => {
  const text = Buffer.from(`Die Müllabfuhr kommt früh. ${'Grüße aus Köln. '.repeat(20)}`);
  text[4] = 0xff;
  const { sections, leftOut } = await document('a.md', new Uint8Array(text));
  expect(sections[0]!.blocks[0]!.text).toContain('Die \uFFFD');
  expect(sections[0]!.blocks[0]!.text).toContain('Köln');
  expect(leftOut).toEqual([{ name: '1 character', reason: expect.stringContaining('encoding') }]);

  const japanese = bytes(ENCODED[3]![2].repeat(10));
  japanese[301] = 0xff;
  expect((await blocks('a.txt', japanese)).join()).toContain('敷金は家賃三か月分です。');
  const nul = Buffer.from(`A log${'. It goes on'.repeat(20)}`);
  nul[1] = 0;
  expect((await blocks('a.log', new Uint8Array(nul)))[0]).toMatch(/^Alog\. It goes on/);
});

test('lines may end with CR alone, in any text', async () => {
  expect(await blocks('a.txt', 'One\rtwo\r\rThree')).toEqual(['One\ntwo', 'Three']);
  expect(await blocks('a.md', '# A\r\rOne\rtwo\r')).toEqual(['One\ntwo']);
});

const UNSEEN: [name: string, content: string][] = [
  ['a.txt', 'Kündi\u00ADgung'],
  ['a.md', 'Kün\u200Bdi\u2060gung'],
  ['a.csv', 'a,b\nKündi\u00ADgung,2'],
  ['a.json', '["Kündi\\u00adgung"]'],
  ['a.html', '<p>Kün&shy;di\u200Cgung'],
  ['a.py', '# Kündi\uFEFFgung'],
  ['a.txt', 'Kündi\u00AD\ngung'],
];

test.each(UNSEEN)('a word is whole without what nobody sees in it: %s', async (name, content) => {
  expect((await blocks(name, content)).join()).toContain('Kündigung');
});

test('joiners stay where they are spelling', async () => {
  for (const text of ['می‌خواهم', '👩‍🌾', 'क्‍ष']) {
    expect(await blocks('a.txt', text)).toEqual([text]);
  }
});

/** Of decode.ts. */
const SLICE = 131_072;

test('a long file is cleaned in slices, to the same text wherever one ends', () => {
  const odd = ['\r\n', '\r', 'Kündi\u00AD \n  gung', 'a\u200Cb', '👩‍🌾', '\0', 'می‌خواهم'];
  const text = (source: string) => {
    const decoding = decode(new Uint8Array(Buffer.from(source)), '', 'no');
    let slices = 0;
    for (;;) {
      const { done, value } = decoding.next();
      if (done) return { text: value.text, slices };
      slices++;
    }
  };
  for (const marks of odd) {
    const clean = text(`${'a'.repeat(99)}${marks}${'b'.repeat(99)}`).text.slice(97, -97);
    for (let before = SLICE - 16; before < SLICE + 2; before++) {
      const made = text(`${'a'.repeat(before)}${marks}${'b'.repeat(SLICE)}`);
      expect(made.slices).toBeGreaterThan(2);
      expect(made.text).toBe('a'.repeat(before - 2) + clean + 'b'.repeat(SLICE - 2));
    }
  }
});

test('a file of bytes that are nothing is refused or read, in bounded memory', () => {
  const marked = new Uint8Array(24_000_000).fill(0x80);
  marked.set([0xef, 0xbb, 0xbf]);
  const { damaged } = runAtOnce(decode(marked, '', 'no'));
  expect(damaged).toBe(23_999_997);
});

test('the worker’s runtime reads these encodings too', async () => {
  const script = `export default { async fetch(request) {
    const [encoding, hexadecimal] = await request.json();
    const bytes = Uint8Array.from(hexadecimal.match(/../g), (byte) => parseInt(byte, 16));
    return new Response(new TextDecoder(encoding).decode(bytes));
  } }`;
  const worker = new Miniflare({ modules: true, script });
  try {
    for (const [encoding, text, hexadecimal] of ENCODED) {
      const body = JSON.stringify([encoding, hexadecimal]);
      const answer = await worker.dispatchFetch('http://worker/', { method: 'POST', body });
      expect(await answer.text()).toBe(text);
    }
  } finally {
    await worker.dispose();
  }
});
