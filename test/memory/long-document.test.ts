/** The long document of `bench:long`: what is asked for, what is summed, and what is compared. */
import { describe, expect, test } from 'vitest';
import { compareDrafts, linesOf } from '../../bench/long/comparison.ts';
import { type Answer, type Ask, type Draft, writeDocument } from '../../bench/long/document.ts';

const TITLES = ['Scope', 'Terms', 'Drafts'];

/** Says how long it is; sections have 10 tokens, examinations 4, each in a step for every two. */
function author(asked: { content: string; fields: Record<string, unknown> }[]): Ask {
  return async (content, fields) => {
    asked.push({ content, fields: fields as Record<string, unknown> });
    const answer = (text: string, tokens: number): Answer => ({
      text,
      tokens,
      steps: tokens / 2,
      seconds: 0.5,
    });
    if (content.startsWith('List')) return answer(JSON.stringify({ sections: TITLES }), 6);
    if (content.startsWith('Write')) return answer(`section ${asked.length}`, 10);
    return answer(`findings ${asked.length}`, 4);
  };
}

describe('a document', () => {
  test('is planned, written until it is long enough, and examined section by section', async () => {
    const asked: Parameters<typeof author>[0] = [];
    const { length, texts, phases } = await writeDocument(author(asked), {
      tokens: 35,
      section: 12,
    });
    expect(length).toBe(40);
    expect(texts).toHaveLength(8);
    expect(phases).toEqual({
      plan: { tokens: 6, steps: 3, seconds: 0.5 },
      write: { tokens: 40, steps: 20, seconds: 2 },
      examine: { tokens: 16, steps: 8, seconds: 2 },
    });
    const sections = asked.filter(({ content }) => content.startsWith('Write'));
    expect(sections.map(({ content }) => /“(\w+)”(, part \d)?/.exec(content)![0])).toEqual([
      '“Scope”',
      '“Terms”',
      '“Drafts”',
      '“Scope”, part 2',
    ]);
    expect(sections.every(({ fields }) => fields.max_tokens === 12)).toBe(true);
    const examined = asked.slice(-4);
    expect(examined.map(({ content }) => content.split('\n\n')[1])).toEqual(texts.slice(0, 4));
    for (const { fields } of examined) expect(fields.vector_store_ids).toEqual([]);
  });

  test('whose sections stay empty is given up', async () => {
    const silent: Ask = async (content, fields) => ({
      ...(await author([])(content, fields)),
      ...(content.startsWith('Write') && { tokens: 0 }),
    });
    await expect(writeDocument(silent, { tokens: 10, section: 5 })).rejects.toThrow('section 1');
  });
});

describe('two documents', () => {
  const draft = (texts: string[], steps: number): Draft => ({
    length: 100,
    texts,
    phases: {
      plan: { tokens: 20, steps: 10, seconds: 1 },
      write: { tokens: 100, steps, seconds: 1 },
      examine: { tokens: 30, steps: 10, seconds: 1 },
    },
  });

  test('are compared by steps, and told apart by any text', () => {
    const comparison = compareDrafts(draft(['a', 'b'], 50), draft(['a', 'c', 'd'], 20));
    expect(comparison.different).toBe(2);
    expect(comparison.phases.write).toEqual({ without: 2, withMemory: 5, fewerSteps: 0.6 });
    expect(comparison.phases.plan.fewerSteps).toBe(0);
    expect(linesOf(comparison)).toContain('write     2.00, 5.00; 60 %');
    // 150 tokens in 70 steps and in 40.
    expect(linesOf(comparison)).toContain('whole     2.14, 3.75; 43 %');
    expect(compareDrafts(draft(['a'], 50), draft(['a'], 25)).different).toBe(0);
  });
});
