/**
 * What drawing a token from a row of logits takes, by sampling settings, against walks
 * that look at every logit alone, in the same run on the same rows: those of a model over
 * a prompt. Ends with an error where the two draw different tokens.
 *
 *   npm run -s bench:draws -- --model FILE.gguf [--json]
 */
import { parseArgs } from 'node:util';
import { openModel } from '../bin/open-model.ts';
import { Draw } from '../gpu-backend/accept/draw.ts';
import { Nucleus, type Warp } from '../gpu-backend/accept/warp.ts';
import { peaksAt } from '../gpu-backend/engine/summarize.ts';
import { Noise } from '../src/draft/noise.ts';
import { chainRow } from '../test/engine/driver.ts';
import { machine } from './engine/setup.ts';
import { quantile } from './statistics.ts';

const PROMPT =
  'An espalier is a tree that a gardener has trained against a wall over many years, so ' +
  'that it bears its fruit where the sun is warm. How are apple trees pruned in winter?';
const SEED = [1, 2] as const;
const TURNS = 20;

const { values } = parseArgs({
  options: { model: { type: 'string' }, json: { type: 'boolean', default: false } },
});
if (!values.model) throw new Error('--model FILE.gguf: logits of a real model are drawn from');

const { engine, name, promptOf } = await openModel(values.model, { slots: 2 }, 'int8');
const { vocabSize } = engine.limits;
const prompt = await promptOf(PROMPT);
const slot = engine.acquire(prompt, prompt.length + 1, 'bench')!;
const row = chainRow(slot, [...prompt], 0);
await engine.step([row]);
const nucleus = new Nucleus(vocabSize);

/** The draw by its definition, with neither top-k nor top-p. */
function alone(logits: Float32Array, position: number, temperature: number, noise: Noise): number {
  noise.at(position);
  let winner = 0;
  let high = -Infinity;
  for (let id = 0; id < logits.length; id++) {
    const score = temperature === 0 ? logits[id]! : logits[id]! / temperature + noise.gumbel(id);
    if (score > high) {
      high = score;
      winner = id;
    }
  }
  return winner;
}

/** Median microseconds a row, both ways. */
function timed(warp: Warp): { micros: number; aloneMicros?: number; ratio?: number } {
  const draw = new Draw(warp, SEED, nucleus);
  const noise = new Noise(SEED);
  const plain = warp.topK === 0 && warp.topP === 1;
  const [ours, theirs]: number[][] = [[], []];
  for (let turn = 0; turn < TURNS; turn++) {
    for (let i = 0; i < row.count - row.logitsFrom; i++) {
      const logits = row.logits.subarray(i * vocabSize, (i + 1) * vocabSize);
      const position = turn * row.count + i;
      let began = performance.now();
      const token = draw.token(logits, position, peaksAt(row, i));
      ours!.push(performance.now() - began);
      if (!plain) continue;
      began = performance.now();
      const expected = alone(logits, position, warp.temperature, noise);
      theirs!.push(performance.now() - began);
      if (token !== expected) throw new Error(`drew ${token} and not ${expected} at ${position}`);
    }
  }
  const micros = 1000 * quantile(ours!, 0.5);
  if (!plain) return { micros };
  const aloneMicros = 1000 * quantile(theirs!, 0.5);
  return { micros, aloneMicros, ratio: aloneMicros / micros };
}

const settings: Record<string, Warp> = {
  'temperature 0': { temperature: 0, topK: 0, topP: 1 },
  'temperature 0.8': { temperature: 0.8, topK: 0, topP: 1 },
  'temperature 1': { temperature: 1, topK: 0, topP: 1 },
  'temperature 0.8, top-k 40': { temperature: 0.8, topK: 40, topP: 1 },
  'temperature 0.8, top-p 0.9': { temperature: 0.8, topK: 0, topP: 0.9 },
};
const draws = Object.fromEntries(
  Object.entries(settings).map(([setting, warp]) => [setting, timed(warp)]),
);
engine.close();
if (values.json) console.log(JSON.stringify({ model: name, vocabSize, machine: machine(), draws }));
else {
  console.log(`${name}, ${vocabSize} logits a row`);
  for (const [setting, { micros, aloneMicros, ratio }] of Object.entries(draws)) {
    const against = ratio
      ? `, each logit alone ${aloneMicros!.toFixed(0)} µs: ${ratio.toFixed(1)} ×`
      : '';
    console.log(`${setting.padEnd(28)} ${micros.toFixed(0).padStart(5)} µs${against}`);
  }
}
