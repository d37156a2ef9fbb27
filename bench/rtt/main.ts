/**
 * What the distance between worker and verifier costs.
 *
 *   npm run bench:rtt -- [folder] [--json] [--tokens 10000] [--plot file.svg] [--sockets file.json | --no-sockets]
 *
 * Simulated: recorded answers through the link's own code on both sides, with a
 * virtual clock and a seeded network, per mode and round trip, as × plain
 * decoding and as a share of the same drafter standing beside the engine, with
 * the bytes of a step. Then the real worker and verifier on this machine, with
 * the delay injected between them. `--json` prints the simulated figures alone:
 * they are the same everywhere. `--sockets` writes the others to a file.
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Conditions } from '../../sim/network.ts';
import { FLAT_GPU } from '../../sim/replay-engine.ts';
import { lineChart } from '../plot.ts';
import { defaultFolder } from '../replay/traces.ts';
import { median } from '../statistics.ts';
import { type Recording, readRecordings } from './recording.ts';
import { BUDGET, DRAFT_MS, type Run, simulate } from './simulate.ts';
import {
  measureSockets,
  SOCKET_MODES,
  SOCKET_RTTS,
  type SocketRun,
  type SocketTable,
} from './sockets.ts';

const DEFAULT_TOKENS = 10_000;
const RTTS = [0, 10, 25, 50, 100, 200];
const LINK_MODES = ['lockstep', 'streamed', 'echoed'] as const;
const SEED = 5;

/** Jitter of a fifth of the round trip, 10 Mbit/s, and now and then a retransmission. */
function conditions(rttMs: number): Conditions {
  return {
    rttMs,
    jitterMs: rttMs / 5,
    bytesPerMs: 1250,
    stallChance: rttMs > 0 ? 0.002 : 0,
    stallMs: 200 + rttMs,
  };
}

interface Figures {
  vsPlain: number;
  vsColocated: number;
  /** Tokens committed a step. */
  mat: number;
  /** Median of a step, seals included, headers of WebSocket and TCP not. */
  bytesUp: number;
  bytesDown: number;
}
type Table = Record<string, Record<string, Record<string, Figures>>>;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      tokens: { type: 'string', default: String(DEFAULT_TOKENS) },
      plot: { type: 'string' },
      sockets: { type: 'string' },
      'no-sockets': { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const folder = positionals[0] ?? defaultFolder();
  console.error(`recordings: ${folder}`);
  const recordings = readRecordings(folder, Number(values.tokens));
  if (!values.json) {
    console.log(
      `Simulated: ${FLAT_GPU.expected({ rows: 0, attended: 0, lanes: 1 })} ms a step, ${BUDGET} nodes, ${DRAFT_MS} ms a draft, ` +
        `about ${values.tokens} tokens a recording`,
    );
  }
  const table: Table = {};
  for (const recording of recordings) {
    table[recording.name] = await measure(recording, !values.json);
  }
  if (values.plot) writeFileSync(values.plot, plot(table));
  if (values.json) console.log(JSON.stringify(table));
  if (values['no-sockets'] || (values.json && !values.sockets)) return;
  const sockets = await measureSockets();
  if (values.sockets) writeFileSync(values.sockets, `${JSON.stringify(sockets, null, 1)}\n`);
  if (!values.json) printSockets(sockets);
}

async function measure(recording: Recording, report: boolean): Promise<Table[string]> {
  const near = conditions(0);
  const plain = await simulate(recording, 'plain', near, SEED);
  const colocated = await simulate(recording, 'colocated', near, SEED);
  const figures = (run: Run): Figures => ({
    vsPlain: round(rate(run) / rate(plain)),
    vsColocated: round(rate(run) / rate(colocated)),
    mat: round(run.tokens / run.steps),
    bytesUp: round(median(run.upBytes)),
    bytesDown: round(median(run.downBytes)),
  });
  const modes: Table[string] = {
    plain: { 0: figures(plain) },
    colocated: { 0: figures(colocated) },
  };
  for (const mode of LINK_MODES) {
    modes[mode] = {};
    for (const rtt of RTTS) {
      modes[mode][rtt] = figures(await simulate(recording, mode, conditions(rtt), SEED));
    }
  }
  if (report) print(recording, modes);
  return modes;
}

function print(recording: Recording, modes: Table[string]): void {
  const colocated = modes.colocated![0]!;
  console.log(
    `\n${recording.name}: ${recording.turns.length} answers; co-located ` +
      `${colocated.vsPlain.toFixed(2)} × plain, MAT ${colocated.mat.toFixed(2)}`,
  );
  console.log(
    `${'× plain (of co-located)'.padEnd(24)}${RTTS.map((rtt) => `${rtt} ms`.padStart(13)).join('')}`,
  );
  for (const mode of LINK_MODES) {
    const cells = RTTS.map((rtt) => {
      const { vsPlain, vsColocated } = modes[mode]![rtt]!;
      return `${vsPlain.toFixed(2)} (${vsColocated.toFixed(2)})`.padStart(13);
    });
    console.log(mode.padEnd(24) + cells.join(''));
  }
  for (const mode of LINK_MODES) {
    const cells = RTTS.map((rtt) => {
      const { bytesUp, bytesDown } = modes[mode]![rtt]!;
      return `${Math.round(bytesUp)} / ${Math.round(bytesDown)}`.padStart(13);
    });
    console.log(`${mode}, bytes ↑ / ↓`.padEnd(24) + cells.join(''));
  }
}

/** × plain decoding against the round trip, mean of all recordings. */
function plot(table: Table): string {
  const names = Object.keys(table);
  const mean = (mode: string, rtt: number) =>
    names.reduce((sum, name) => sum + table[name]![mode]![rtt]!.vsPlain, 0) / names.length;
  const flat = (mode: string) => RTTS.map((rtt) => [rtt, mean(mode, 0)] as const);
  return lineChart({
    title: `Speed against the round trip, mean of ${names.length} recordings`,
    x: 'round trip between worker and verifier, ms',
    y: '× plain decoding',
    lines: [
      { name: 'plain', points: flat('plain') },
      { name: 'co-located', points: flat('colocated') },
      ...LINK_MODES.map((mode) => ({
        name: mode,
        points: RTTS.map((rtt) => [rtt, mean(mode, rtt)] as const),
        emphasis: mode === 'echoed',
      })),
    ],
  });
}

function printSockets({ runs, different }: SocketTable): void {
  const speed = ({ tokens, seconds }: SocketRun) => tokens / seconds;
  // Plain decoding streams, so after its first text distance costs it nothing: where it was
  // slower at one round trip than at another, that was the machine.
  const plain = Math.max(...SOCKET_RTTS.map((rtt) => speed(runs[rtt]!.off)));
  console.log(
    '\nOver sockets: the bundled model, worker and verifier on this machine, delay between them',
  );
  console.log(
    `${'× the best of mode off'.padEnd(24)}${SOCKET_RTTS.map((rtt) => `${rtt} ms`.padStart(13)).join('')}`,
  );
  for (const mode of SOCKET_MODES) {
    const cells = SOCKET_RTTS.map((rtt) =>
      (speed(runs[rtt]![mode]) / plain).toFixed(2).padStart(13),
    );
    console.log(mode.padEnd(24) + cells.join(''));
  }
  const row = (name: string, value: (rtt: number) => string) =>
    console.log(name.padEnd(24) + SOCKET_RTTS.map((rtt) => value(rtt).padStart(13)).join(''));
  row('off, tokens/s', (rtt) => speed(runs[rtt]!.off).toFixed(0));
  row('echoed, MAT', (rtt) => (runs[rtt]!.echoed.tokens / runs[rtt]!.echoed.steps).toFixed(2));
  row('echoed, ms to first text', (rtt) => median(runs[rtt]!.echoed.ttftMs).toFixed(0));
  console.log(`answers that differ between modes: ${different}`);
}

function rate({ tokens, decodeMs }: Run): number {
  return tokens / decodeMs;
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
