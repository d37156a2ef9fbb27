import { expect, test } from 'vitest';
import { Lru } from '../../src/draft/lru.ts';

test('beyond the capacity the key used longest ago is forgotten', () => {
  const kept = new Lru<string>(2);
  const value = (key: string, made: string) => kept.of(key, () => made);
  value('a', 'first');
  value('b', 'first');
  expect(value('a', 'again')).toBe('first');
  value('c', 'first');
  expect(kept.size).toBe(2);
  expect(value('a', 'again')).toBe('first');
  expect(value('b', 'again')).toBe('again');
});
