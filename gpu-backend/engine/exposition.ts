/** What a verifier reports to Prometheus of its engine: how full it is, and what steps are expected to cost. */
import type { Engine } from './engine.ts';

const ROWS = [1, 2, 4, 8, 16, 32, 64, 128];
const SESSIONS = [1, 2, 4, 8];
const CONTEXTS = [256, 1024, 4096, 16384];
const MS_PER_SECOND = 1000;

/** Who waits for a slot, and how long others did. */
interface RoomFigures {
  size: number;
  waited: { seconds: number; turns: number };
  refused: number;
}

/** What a network that drafts beside the engine was asked, and brought. */
interface NetworkFigures {
  network: string;
  steps: number;
  passes: number;
  milliseconds: number;
  verifyMilliseconds: number;
  tokens: number;
}

/** Prometheus' text format, version 0.0.4. `active`: sessions that hold a slot. */
export function exposeEngine(
  engine: Engine,
  active: number,
  room: RoomFigures,
  networks: readonly NetworkFigures[],
): string {
  const lines = [
    ...gauge('espalier_verifier_slots', 'Sessions that can hold a slot at once.', [
      ['', engine.limits.slots],
    ]),
    ...gauge(
      'espalier_verifier_exact',
      'Whether a tree gives the bits of decoding one token at a time.',
      [['', engine.limits.exact ? 1 : 0]],
    ),
    ...gauge('espalier_verifier_sessions', 'Sessions that hold a slot.', [['', active]]),
    ...gauge('espalier_verifier_waiting', 'Turns that wait for a slot.', [['', room.size]]),
    ...counter(
      'espalier_verifier_waited_turns_total',
      'Turns that began after waiting for a slot.',
      room.waited.turns,
    ),
    ...counter(
      'espalier_verifier_wait_seconds_total',
      'Time that they waited.',
      room.waited.seconds,
    ),
    ...counter(
      'espalier_verifier_wait_refusals_total',
      'Turns that were refused as they would have waited too long, or did.',
      room.refused,
    ),
    ...(networks.length > 0 ? networkCounters(networks) : []),
    ...gauge(
      'espalier_verifier_step_seconds',
      'What a step is expected to take, by rows in all, sessions, and tokens of context of each.',
      costSamples(engine),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function networkCounters(networks: readonly NetworkFigures[]): string[] {
  const samples = (of: (one: NetworkFigures) => number): Sample[] =>
    networks.map((one) => [`{network="${escaped(one.network)}"}`, of(one)]);
  return [
    ...counters(
      'espalier_verifier_draft_steps_total',
      'Steps of turns that a network beside the verifier was chosen for, asked or not.',
      samples(({ steps }) => steps),
    ),
    ...counters(
      'espalier_verifier_draft_passes_total',
      'Runs of a network beside the verifier.',
      samples(({ passes }) => passes),
    ),
    ...counters(
      'espalier_verifier_draft_seconds_total',
      'Time that steps waited for it.',
      samples(({ milliseconds }) => milliseconds / MS_PER_SECOND),
    ),
    ...counters(
      'espalier_verifier_draft_verify_seconds_total',
      'Time that steps took longer for what only it led to.',
      samples(({ verifyMilliseconds }) => verifyMilliseconds / MS_PER_SECOND),
    ),
    ...gauge(
      'espalier_verifier_draft_tokens',
      'Tokens accepted so far that would not have been without it; it can fall.',
      samples(({ tokens }) => tokens),
    ),
  ];
}

/** As the value of a label. */
function escaped(text: string): string {
  return text.replaceAll(/[\\"\n]/g, (one) => (one === '\n' ? '\\n' : `\\${one}`));
}

type Sample = readonly [labels: string, value: number];

function costSamples(engine: Engine): Sample[] {
  const { maxContext, slots } = engine.limits;
  const samples: Sample[] = [];
  for (const context of upTo(CONTEXTS, maxContext)) {
    for (const sessions of upTo(SESSIONS, slots)) {
      for (const rows of ROWS) {
        if (rows < sessions) continue;
        const seconds = engine.stepCost(rows, sessions, context) / MS_PER_SECOND;
        samples.push([`{rows="${rows}",sessions="${sessions}",context="${context}"}`, seconds]);
      }
    }
  }
  return samples;
}

/** The values that the limit allows; the limit itself where it allows none. */
function upTo(values: readonly number[], limit: number): readonly number[] {
  const allowed = values.filter((value) => value <= limit);
  return allowed.length > 0 ? allowed : [limit];
}

function gauge(name: string, help: string, samples: readonly Sample[]): string[] {
  return samplesOf(name, 'gauge', help, samples);
}

function counter(name: string, help: string, value: number): string[] {
  return counters(name, help, [['', value]]);
}

function counters(name: string, help: string, samples: readonly Sample[]): string[] {
  return samplesOf(name, 'counter', help, samples);
}

function samplesOf(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  samples: readonly Sample[],
): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
  ];
}
