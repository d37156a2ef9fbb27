/**
 * Chinese, Japanese, Thai and Korean are found by words as English is: passages each with
 * a keyword among words that they share, through the real worker and D1.
 */
import OpenAI, { toFile } from 'openai';
import { beforeAll, describe, expect, test } from 'vitest';
import { keyword, LANGUAGES, type Language, passage } from '../support/languages.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';
import { executeSql } from '../support/worker.ts';

const PASSAGES = 100;
/** Searches at once. */
const TOGETHER = 5;

let service: SharedService;
let client: OpenAI;

beforeAll(async () => {
  service = await sharedService({ demo: false });
  // `wrangler dev` may keep an answer back while its thread is busy: then it is asked again.
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', timeout: 30_000 });
});

async function storeOf(files: Record<string, string>): Promise<string> {
  const store = await client.vectorStores.create({ name: 'unspaced' });
  const uploads = await Promise.all(
    Object.entries(files).map(([name, text]) => toFile(Buffer.from(text), name)),
  );
  await client.vectorStores.fileBatches.uploadAndPoll(store.id, { files: uploads });
  const { file_counts } = await client.vectorStores.retrieve(store.id);
  expect(file_counts.completed).toBe(uploads.length);
  return store.id;
}

async function found(store: string, query: string, method = 'bm25') {
  const options = { query, ranking_options: { method }, max_num_results: 3 };
  const { data } = await client.vectorStores.search(store, options as never);
  return data.map(({ filename, content }) => ({ filename, text: content[0]!.text }));
}

describe.each(Object.entries(LANGUAGES))('%s', (name, language) => {
  let store: string;
  beforeAll(async () => {
    store = await storeOf(written(language));
  });

  /** Keywords that do not find their passage first. */
  async function missed(method: string): Promise<string[]> {
    const misses: string[] = [];
    async function search(from: number): Promise<void> {
      for (let i = from; i < PASSAGES; i += TOGETHER) {
        const [best] = await found(store, keyword(language, i), method);
        if (best?.filename !== `${i}.txt`) misses.push(keyword(language, i));
      }
    }
    await Promise.all(Array.from({ length: TOGETHER }, (_, from) => search(from)));
    return misses;
  }

  test.each(['bm25', 'hybrid'])('%s finds all passages by their keywords', async (method) => {
    expect(await missed(method)).toEqual([]);
  });

  // The vectors of English words that mean nothing are near one another.
  test.skipIf(name === 'English')('vector finds nearly all by their keywords', async () => {
    expect((await missed('vector')).length).toBeLessThanOrEqual(PASSAGES / 20);
  });

  test('what is found is shown as it is written, not as it is indexed', async () => {
    for (const { text } of await found(store, keyword(language, 7))) {
      expect(Object.values(written(language)).some((passage) => passage.includes(text))).toBe(true);
    }
  });
});

function written(language: Language): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: PASSAGES }, (_, i) => [`${i}.txt`, passage(language, i)]),
  );
}

describe('one text, however it is typed', () => {
  let store: string;
  beforeAll(async () => {
    store = await storeOf({
      'mixed.md': '# iPhone手机 第3章\n\n价格是ＡＢＣ１２３元，ﾊﾝｶｸｶﾞﾅ。',
      // Hangul and kana in pieces, as macOS writes names of files.
      'pieces.md': `# ${'한국어 문서'.normalize('NFD')}\n\n${'パンダがいます'.normalize('NFD')}`,
      'khmer.md': 'ខ្ញុំ\u200bទៅ\u200bសាលារៀន',
      'lao.md': 'ຂ້ອຍໄປໂຮງຮຽນທຸກມື້',
      'burmese.md': 'ကျွန်တော်ကျောင်းသွားသည်',
      'plain.md': 'A pear tree.',
    });
  });

  test.each([
    ['手机', 'mixed.md'],
    ['IPHONE', 'mixed.md'],
    ['iphone手机', 'mixed.md'],
    ['abc123', 'mixed.md'],
    ['ＡＢＣ１２３', 'mixed.md'],
    ['ハンカクガナ', 'mixed.md'],
    ['ﾊﾝｶｸｶﾞﾅ', 'mixed.md'],
    // One character: at the end of its run, at the beginning, and within.
    ['章', 'mixed.md'],
    ['价', 'mixed.md'],
    ['格', 'mixed.md'],
    ['문서', 'pieces.md'],
    ['パンダ'.normalize('NFD'), 'pieces.md'],
    ['パンダ', 'pieces.md'],
    ['សាលារៀន', 'khmer.md'],
    ['ໂຮງຮຽນ', 'lao.md'],
    ['ကျောင်း', 'burmese.md'],
    ['ＰＥＡＲ', 'plain.md'],
  ])('%s', async (query, name) => {
    expect((await found(store, query)).map(({ filename }) => filename)).toEqual([name]);
  });

  test('two of its characters that are not neighbours are no word of it', async () => {
    expect(await found(store, '价元')).toEqual([]);
  });
});

test('a megabyte of one character is taken in, and searched', async () => {
  const store = await storeOf({ 'one.txt': '字'.repeat(350_000), 'other.txt': '文字' });
  expect((await found(store, '字字'))[0]?.filename).toBe('one.txt');
  expect((await found(store, '字'.repeat(4_000)))[0]?.filename).toBe('one.txt');
  expect((await found(store, '文字'))[0]?.filename).toBe('other.txt');
});

async function deleteWhole(store: string): Promise<void> {
  const { data } = await client.vectorStores.files.list(store);
  for (const { id } of data) await client.files.delete(id);
  await client.vectorStores.delete(store);
}

async function scores(store: string, query: string, method: string) {
  const options = { query, ranking_options: { method } };
  const { data } = await client.vectorStores.search(store, options as never);
  return data.map(({ filename, score }) => [filename, score]);
}

const APPLES = {
  'apple.md': '# 林檎\n\n果樹園の赤い果物。',
  'pear.md': '# 梨\n\n緑の果物、壁の果物。',
  'oak.md': '# 樫\n\n石の果樹園の木。',
};

test('after a deletion scores are those of before, also of passages that were indexed anew in between', async () => {
  const store = await storeOf(APPLES);
  const query = '果物と果樹園の壁';
  const before = await scores(store, query, 'bm25');
  expect(before.length).toBe(3);

  const other = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [`${i}.md`, `# 果物${i}号\n\n壁${i}の果物が古いです。`]),
  );
  const another = await storeOf(other);
  await forgetWords('古い');
  expect(await scores(another, '古い', 'bm25')).toEqual([]);
  // A search that misses vectors wakes what mends both.
  await scores(another, '古い', 'vector');
  const found = async () => (await scores(another, '古い', 'bm25')).length;
  await expect.poll(found, { timeout: 20_000 }).toBe(10);

  await deleteWhole(another);
  expect(await scores(store, query, 'bm25')).toEqual(before);
});

/** As it was before the index had bigrams, for the passages whose text has the word. */
async function forgetWords(word: string): Promise<void> {
  const which = `text LIKE '%${word}%'`;
  await executeSql(
    service.databases,
    `INSERT INTO words_1 (words_1, rowid, title, heading, text)
       SELECT 'delete', id, coalesce(words ->> 0, title), coalesce(words ->> 1, heading), words ->> 2
       FROM chunks WHERE ${which};
     INSERT INTO words_1 (rowid, title, heading, text)
       SELECT id, title, heading, text FROM chunks WHERE ${which};
     UPDATE chunks SET words = NULL WHERE ${which};
     UPDATE documents SET embedder = 'espalier-embed-1'
       WHERE id IN (SELECT document_id FROM chunks WHERE ${which})`,
  );
}
