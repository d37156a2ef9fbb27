/** The end of an answer as text: characters whole, stop strings cut. */
import { expect, test } from 'vitest';
import { StopStrings } from '../../src/generate/stop.ts';
import { TextStream } from '../../src/generate/text-stream.ts';
import type { Accept } from '../../src/link/protocol/index.ts';

/** A token a byte. */
const bytes = {
  eosIds: [0],
  tokenizer: { decode: (ids: number[]) => Buffer.from(ids).toString('utf8') },
};

/** What an answer of these tokens says that its length ends. */
function cut(text: Uint8Array, stop: string[] = []) {
  const stream = new TextStream(bytes, stop);
  const accept: Accept = {
    position: 0,
    tokens: Int32Array.from(text),
    sources: new Uint8Array(text.length),
    steps: 1,
    drafted: 0,
    credit: 0,
    stepMicros: 0,
  };
  const step = stream.push(accept);
  const last = stream.end('length');
  return [step, last]
    .flatMap((one) => one?.pieces ?? [])
    .map((piece) => piece.text)
    .join('');
}

test.each(['é', '€', '😀'])('a length that ends inside %s leaves nothing of it', (character) => {
  const whole = Buffer.from(`ab${character}`);
  for (let end = 3; end < whole.length; end++) {
    expect(cut(whole.subarray(0, end))).toBe('ab');
  }
  expect(cut(whole)).toBe(`ab${character}`);
});

test('what was held for a stop string comes before it', () => {
  expect(cut(Buffer.from('a STO'), ['STOP'])).toBe('a STO');
});

test.each(['\ud83d', '\ude00', 'a\ud83d', '\ude00b'])('half a pair stops nothing: %j', (stop) => {
  const stops = new StopStrings([stop]);
  expect(stops.push('a😀b') + stops.flush()).toBe('a😀b');
  expect(stops.stopped).toBe(false);
});

test('a stop string of whole characters still stops', () => {
  const stops = new StopStrings(['😀']);
  expect(stops.push('a😀b')).toBe('a');
  expect(stops.stopped).toBe(true);
});
