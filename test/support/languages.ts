/** Passages in five languages, each with a keyword of its own among words that all share. */

/** What keywords are made of, and what stands around them: `%` is the keyword. */
export interface Language {
  parts: string[];
  sentences: string[];
}

export const LANGUAGES: Record<string, Language> = {
  English: {
    parts: ['bar', 'cor', 'dun', 'fel', 'gim', 'hop', 'jas', 'kel', 'lom', 'mur', 'nep'],
    sentences: ['The orchard keeps a %.', 'We read about it in the library every day.'],
  },
  Chinese: {
    parts: [...'山水火木金土日月星云风'],
    sentences: ['我们在图书馆学习%的历史。', '机器每天记录温度和湿度。'],
  },
  Japanese: {
    parts: [...'桜梅松竹菊蘭藤椿楓柳杉'],
    sentences: ['東京の図書館で%について読みました。', '毎日の温度と湿度を記録します。'],
  },
  Thai: {
    parts: ['กิน', 'เล่น', 'น้ำ', 'ฟ้า', 'ต้น', 'ปลา', 'ช้าง', 'เมือง', 'ดาว', 'หมู่', 'ผึ้ง'],
    sentences: ['เราอ่านเรื่อง%ที่ห้องสมุดทุกวัน', 'เครื่องบันทึกอุณหภูมิและความชื้น'],
  },
  Korean: {
    parts: [...'강산들꽃별달해비눈길집'],
    sentences: ['우리는 도서관에서 %에 대해 읽었습니다.', '기계가 매일 온도와 습도를 기록합니다.'],
  },
};

/** The i-th word of three parts: all of them differ, and share parts and pairs of parts. */
export function keyword({ parts }: Language, i: number): string {
  const { length } = parts;
  return [i % length, Math.floor(i / length) % length, (3 * i + 5) % length]
    .map((part) => parts[part])
    .join('');
}

export const passage = (language: Language, i: number) =>
  language.sentences.join('\n').replace('%', keyword(language, i));
