/**
 * What a target and a drafter say at places of the target's own answers: logits of the
 * likeliest tokens of both, kept in bench/data/accept so that rules can be compared
 * without a model.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

/** The tokens that either has among its likeliest, and both logits of each, in hundredths. */
export interface RecordedPlace {
  tokens: number[];
  target: number[];
  draft: number[];
  /** Of the drafter's likeliest tokens, by index in `tokens`, their neighbours in the embedding that are in `tokens`, nearest first. */
  near: Record<number, number[]>;
}

export interface Recording {
  /** The target's name, what the drafter is, and how many likeliest tokens of each are kept. */
  target: string;
  draft: string;
  kept: number;
  places: RecordedPlace[];
}

const FILE = join(import.meta.dirname, '../data/accept/smollm2-135m.json.gz');

export function readRecording(): Recording {
  return JSON.parse(gunzipSync(readFileSync(FILE)).toString('utf8'));
}

export function writeRecording(recording: Recording): void {
  writeFileSync(FILE, gzipSync(JSON.stringify(recording), { level: 9 }));
}

export interface Distributions {
  p: Float64Array;
  q: Float64Array;
}

/** Both at a temperature above 0, each over the `kept` tokens that it finds likeliest: as with `top_k`. */
export function distributionsAt(
  place: RecordedPlace,
  kept: number,
  temperature: number,
): Distributions {
  return {
    p: softmaxOfTop(place.target, kept, temperature),
    q: softmaxOfTop(place.draft, kept, temperature),
  };
}

function softmaxOfTop(hundredths: readonly number[], kept: number, temperature: number) {
  const falling = [...hundredths].sort((a, b) => b - a);
  const least = falling[Math.min(kept, falling.length) - 1]!;
  const weights = Float64Array.from(hundredths, (z) =>
    z < least ? 0 : Math.exp((z - falling[0]!) / 100 / temperature),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
