/** What distance may cost, on recorded answers through the link's own code: the goals of docs/reliability.md. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Recording, readRecordings } from '../../bench/rtt/recording.ts';
import { type Run, simulate } from '../../bench/rtt/simulate.ts';
import { median } from '../../bench/statistics.ts';
import type { Conditions } from '../../sim/network.ts';

const TOKENS = 1_500;
const SEED = 3;

function conditions(rttMs: number): Conditions {
  return { rttMs, jitterMs: rttMs / 5, bytesPerMs: 1250, stallChance: 0.002, stallMs: 200 };
}

function speed({ tokens, decodeMs }: Run): number {
  return tokens / decodeMs;
}

let recording: Recording;
let plain: Run;
let colocated: Run;
beforeAll(async () => {
  const bundled = join(import.meta.dirname, '../../bench/data/replay');
  recording = readRecordings(bundled, TOKENS)[0]!;
  plain = await simulate(recording, 'plain', conditions(0), SEED);
  colocated = await simulate(recording, 'colocated', conditions(0), SEED);
});

describe.each([0, 25, 100, 200])('at %i ms', (rttMs) => {
  test('the echo is as good as a drafter beside the engine', async () => {
    const echoed = await simulate(recording, 'echoed', conditions(rttMs), SEED);
    expect(speed(echoed) / speed(colocated)).toBeGreaterThan(0.97);
  });

  test('trees that stream in never cost anything, and stay within their bytes', async () => {
    const streamed = await simulate(recording, 'streamed', conditions(rttMs), SEED);
    expect(speed(streamed) / speed(plain)).toBeGreaterThan(0.99);
    expect(median(streamed.upBytes)).toBeGreaterThan(0);
    expect(median(streamed.upBytes)).toBeLessThanOrEqual(400);
    expect(median(streamed.downBytes)).toBeGreaterThan(0);
    expect(median(streamed.downBytes)).toBeLessThanOrEqual(300);
  });
});

test('a round trip a tree is how drafting loses to no drafting', async () => {
  const far = await simulate(recording, 'lockstep', conditions(200), SEED);
  const near = await simulate(recording, 'lockstep', conditions(0), SEED);
  expect(speed(far)).toBeLessThan(speed(near) / 4);
});

test('the command prints every mode and round trip as JSON', () => {
  const root = join(import.meta.dirname, '../..');
  const main = ['--import', 'tsx', 'bench/rtt/main.ts', 'bench/data/replay'];
  const out = execFileSync(process.execPath, [...main, '--json', '--tokens', '200'], { cwd: root });
  const { 'docs-espalier': modes } = JSON.parse(out.toString());
  for (const mode of ['lockstep', 'streamed', 'echoed']) {
    for (const rtt of [0, 10, 25, 50, 100, 200]) {
      const { vsPlain, vsColocated, mat } = modes[mode][rtt];
      for (const figure of [vsPlain, vsColocated, mat]) expect(figure).toBeGreaterThan(0);
    }
  }
});
