import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { curlCommand } from '../../web/turn/curl.js';
import { findQuotes, MIN_QUOTE_WORDS } from '../../web/turn/quote.js';

const PASSAGE = 'Masks are never sent,\nbecause the parents are enough to build them. So be it.';

function quoted(answer: string, passage = PASSAGE): string[] {
  return findQuotes(answer, passage).map(({ start, end }) => passage.slice(start, end));
}

describe('quotes in a passage', () => {
  it('are the longest runs of its words, however the answer breaks lines', () => {
    expect(quoted('From > Masks\nMasks are never sent, because the parents\nknow.')).toEqual([
      'Masks are never sent,\nbecause the parents',
    ]);
  });

  it('may be several, in the order of the passage', () => {
    expect(quoted('enough to build them. – and: Masks are never sent,')).toEqual([
      'Masks are never sent,',
      'enough to build them.',
    ]);
  });

  it('choose the longer of two places where the answer says the same', () => {
    expect(quoted('because the parents are tired, because the parents are enough to eat')).toEqual([
      'because the parents are enough to',
    ]);
  });

  it('are not what everyone says', () => {
    expect(quoted('the parents are here')).toEqual([]);
    expect(quoted('')).toEqual([]);
    expect(quoted('Masks are never sent,', '')).toEqual([]);
  });

  it('stand in both texts, apart from each other, for any texts', () => {
    const words = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 40 });
    fc.assert(
      fc.property(words, words, (answerWords, passageWords) => {
        const answer = answerWords.join(' ');
        const passage = passageWords.join(' ');
        let before = -1;
        for (const { start, end } of findQuotes(answer, passage)) {
          expect(start).toBeGreaterThan(before);
          const quote = passage.slice(start, end);
          expect(answer).toContain(quote);
          expect(quote.split(' ').length).toBeGreaterThanOrEqual(MIN_QUOTE_WORDS);
          before = end;
        }
      }),
    );
  });
});

describe('the curl command', () => {
  it('gives a shell exactly the request, quotes, dollars and line breaks included', () => {
    const body = { content: `it's "$HOME" \`id\` \\ \n 'quoted' é` };
    const command = curlCommand('http://localhost:1/v1', body, true);
    const script = `curl() { for last; do :; done; printf %s "$last"; }\n${command}`;
    expect(JSON.parse(execFileSync('sh', ['-c', script], { encoding: 'utf8' }))).toEqual(body);
  });
});
