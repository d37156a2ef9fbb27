/** Zip archives: what can't be read is named, the rest is read, and nothing grows without bound. */
import { crc32, deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { blocks, document } from '../support/blocks.ts';
import { makeZip } from '../support/documents.ts';

const MEMBERS = { 'a.md': '# Pears\n\nSweet.', 'b.txt': 'Crisp apples.', 'c.txt': 'Sour plums.' };

/** The archive with bytes of one member's entry in the directory changed. */
function changed(
  archive: Uint8Array<ArrayBuffer>,
  member: number,
  change: (view: DataView, entry: number) => void,
): Uint8Array<ArrayBuffer> {
  const view = new DataView(archive.buffer);
  let at = view.getUint32(archive.length - 6, true);
  for (let i = 0; i < member; i++) at += 46 + view.getUint16(at + 28, true);
  change(view, at);
  return archive;
}

const FAULTY: [what: string, change: (view: DataView, entry: number) => void, reason: RegExp][] = [
  ['encrypted', (view, entry) => view.setUint16(entry + 8, 1, true), /encrypted/],
  [
    'packed by another method',
    (view, entry) => view.setUint16(entry + 10, 12, true),
    /method 12.*use deflate/,
  ],
  [
    'claimed to be large',
    (view, entry) => view.setUint32(entry + 24, 30_000_000, true),
    /unpacks to more than \d+ bytes: split it/,
  ],
  ['nowhere', (view, entry) => view.setUint32(entry + 42, 9_999_999, true), /damaged/],
  [
    'damaged',
    (view, entry) => view.setUint8(view.getUint32(entry + 42, true) + 35, 0xff),
    /damaged/,
  ],
];

test.each(FAULTY)('a member that is %s is named, the rest is read', async (_, change, reason) => {
  const archive = changed(makeZip(MEMBERS), 1, change);
  expect(await blocks('a.zip', archive)).toEqual(['Sweet.', 'Sour plums.']);
  const { leftOut } = await document('a.zip', archive);
  expect(leftOut).toEqual([{ name: 'b.txt', reason: expect.stringMatching(reason) }]);
});

test('what a member leaves out is named with it', async () => {
  const { leftOut } = await document('a.zip', makeZip({ 'a.html': '<nav>Home</nav><p>Text.' }));
  expect(leftOut).toMatchObject([{ name: 'a.html: navigation' }]);
});

test('sizes of 64 bits are read', async () => {
  const packed = deflateRawSync('Sweet pears.');
  const name = Buffer.from('a.txt');
  const local = Buffer.alloc(30);
  local.write('PK\x03\x04');
  local.writeUInt16LE(8, 8);
  local.writeUInt16LE(name.length, 26);
  const entry = Buffer.alloc(46);
  entry.write('PK\x01\x02');
  entry.writeUInt16LE(8, 10);
  entry.writeUInt32LE(crc32('Sweet pears.'), 16);
  entry.fill(0xff, 20, 28);
  entry.writeUInt16LE(name.length, 28);
  entry.writeUInt16LE(20, 30);
  const extra = Buffer.alloc(20);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(16, 2);
  extra.writeBigUInt64LE(12n, 4);
  extra.writeBigUInt64LE(BigInt(packed.length), 12);
  const body = Buffer.concat([local, name, packed]);
  const directory = Buffer.concat([entry, name, extra]);
  const wide = Buffer.alloc(56 + 20);
  wide.write('PK\x06\x06');
  wide.writeBigUInt64LE(1n, 32);
  wide.writeBigUInt64LE(BigInt(body.length), 48);
  wide.write('PK\x06\x07', 56);
  wide.writeBigUInt64LE(BigInt(body.length + directory.length), 64);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.fill(0xff, 8, 20);
  const archive = new Uint8Array(Buffer.concat([body, directory, wide, end]));
  expect(await blocks('a.zip', archive)).toEqual(['Sweet pears.']);
});

test('members together have the text that one file may have', async () => {
  const half = 'sweet pears\n'.repeat(800_000);
  const archive = makeZip({ 'a.txt': half, 'b.txt': half });
  await expect(document('a.zip', archive)).rejects.toThrow(/characters of text: split it/);
});

test('an archive in an archive is not followed', async () => {
  let archive = makeZip({ 'deep.txt': 'x' });
  for (let i = 0; i < 50; i++) archive = makeZip({ 'in.zip': archive, 'a.txt': 'Sweet.' });
  const { sections, leftOut } = await document('a.zip', archive);
  expect(sections).toHaveLength(1);
  expect(leftOut).toEqual([{ name: 'in.zip', reason: 'an archive itself' }]);
});

test('entries that share their bytes are counted each', async () => {
  const page = 'sweet pears '.repeat(500_000);
  const one = makeZip({ 'a.html': `<p>${page}` });
  const view = new DataView(one.buffer);
  const start = view.getUint32(one.length - 6, true);
  const entry = one.subarray(start, one.length - 22);
  const count = 200;
  const end = one.slice(one.length - 22);
  const endView = new DataView(end.buffer);
  endView.setUint16(8, count, true);
  endView.setUint16(10, count, true);
  const parts = [one.subarray(0, start), ...Array.from({ length: count }, () => entry), end];
  const archive = new Uint8Array(Buffer.concat(parts));
  expect(archive.length).toBeLessThan(60_000);
  await expect(document('a.zip', archive)).rejects.toThrow(/split it/);
});
