/**
 * How long drafting takes with full stores: 32k tokens in the session, 5M in a
 * corpus segment, 65k of earlier answers, 32 nodes a draft. Memory a token, and the
 * rate at which a segment is built.
 *
 *   npm run bench:draft-speed [-- folder] [--corpus 5000000] [--check] [--json]
 *
 * Text is recorded answers (see bench/replay.ts), repeated until it is long
 * enough, in every copy one token in eleven another, as copies would make ranges
 * of the suffix array too alike. The baseline of each ratio is the same drafter
 * over the session alone. `--check` exits with 1 where a goal is missed; times
 * mean little on a busy machine.
 */
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { BlendDrafter } from '../src/draft/blend/blend.ts';
import { Segment } from '../src/draft/segment/segment.ts';
import { buildSegment } from '../src/draft/segment/segment-builder.ts';
import { AlignmentStore } from '../src/draft/stores/alignment-store.ts';
import { SessionStore } from '../src/draft/stores/session-store.ts';
import { TokenTree } from '../src/draft/tree/tree.ts';
import { atLeast, atMost, type Goal, printGoals } from './goals.ts';
import { defaultFolder, readTraces } from './replay/traces.ts';
import { type Build, segmentBuilds } from './segment-builds.ts';
import { quantile } from './statistics.ts';
import { CorpusStore } from './stores/corpus-store.ts';
import { OutputStore } from './stores/output-store.ts';

const SESSION_TOKENS = 32_768;
const OUTPUT_TOKENS = 65_536;
const BUDGET = 32;
/** Tokens committed, one draft each. */
const STEPS = 6000;
/** Drafts that warm the code up. */
const WARM_UP = 1000;
const CHANGED_EVERY = 11;
const SPREAD = 977;

interface Result {
  session: { tokens: number; bytesPerToken: number };
  corpus: { tokens: number; bytesPerToken: number; builtPerCpuSecond: number };
  /** Of texts that are easy and hard to sort, each of a segment's size. */
  builds: Build[];
  /** Of the session alone; with the corpus; with earlier answers too. Ratios are of medians, to the first. */
  draft: { alone: Times; full: Times; all: Times; ratio: number; ratioOfAll: number };
  goals: Goal[];
  machine: { threads: number; load: number; node: string };
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      corpus: { type: 'string', default: '5000000' },
      check: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  const folder = positionals[0] ?? defaultFolder();
  console.error(`recordings: ${folder}`);
  const answers = recorded(folder);
  const documents = repeated(answers, Number(values.corpus), 1);
  const tokens = documents.reduce((sum, { length }) => sum + length, 0);

  const started = process.cpuUsage();
  const buffer = buildSegment(documents);
  const built = process.cpuUsage(started).user / 1e6;
  const segment = new Segment(buffer);
  const prompt = Int32Array.from(
    repeated(answers, SESSION_TOKENS, 2).flatMap((document) => [...document]),
  ).subarray(0, SESSION_TOKENS);
  const output = Int32Array.from(
    repeated(answers, STEPS + WARM_UP, 3).flatMap((document) => [...document]),
  ).subarray(0, STEPS + WARM_UP);

  const session = new SessionStore();
  const alone = drafted(new BlendDrafter([session, new AlignmentStore(session)]), prompt, output);
  const beside = new SessionStore();
  const full = drafted(
    new BlendDrafter([beside, new CorpusStore(segment), new AlignmentStore(beside)]),
    prompt,
    output,
  );
  const third = new SessionStore();
  const outputs = new OutputStore();
  for (const output of repeated(answers, OUTPUT_TOKENS, 4)) outputs.learn(output);
  const stores = [third, outputs, new CorpusStore(segment)];
  const aligned = [new AlignmentStore(third), new AlignmentStore(outputs)];
  const all = drafted(new BlendDrafter([...stores, ...aligned]), prompt, output);
  const measured = {
    session: { tokens: SESSION_TOKENS, bytesPerToken: session.bytes / session.automaton.tokens },
    corpus: {
      tokens,
      bytesPerToken: buffer.byteLength / tokens,
      builtPerCpuSecond: tokens / built,
    },
    builds: segmentBuilds(documents),
    draft: {
      alone,
      full,
      all,
      ratio: full.p50us / alone.p50us,
      ratioOfAll: all.p50us / alone.p50us,
    },
    machine: { threads: availableParallelism(), load: loadavg()[0]!, node: process.version },
  };
  const result: Result = { ...measured, goals: goalsOf(measured) };
  if (values.json) console.log(JSON.stringify(result));
  else print(result);
  if (values.check && result.goals.some(({ met }) => !met)) process.exitCode = 1;
}

interface Times {
  p50us: number;
  p99us: number;
  /** Mean time to take in a committed token. */
  commitUs: number;
  nodes: number;
}

function goalsOf({ session, corpus, draft }: Omit<Result, 'goals'>): Goal[] {
  return [
    atMost('µs a draft with session and corpus, median', draft.full.p50us, 100),
    atMost('µs a draft with session and corpus, 99 %', draft.full.p99us, 1000),
    atMost('bytes a token of the session', session.bytesPerToken, 80),
    atMost('bytes a token of the corpus', corpus.bytesPerToken, 8.5),
    atLeast('tokens a second of one core to build a segment', corpus.builtPerCpuSecond, 1e6),
  ];
}

function drafted(drafter: BlendDrafter, prompt: Int32Array, output: Int32Array): Times {
  const tree = new TokenTree();
  const times: number[] = [];
  let committing = 0;
  let nodes = 0;
  drafter.begin(prompt, []);
  for (let i = 0; i < output.length; i++) {
    const start = performance.now();
    drafter.commit(output.subarray(i, i + 1));
    const committed = performance.now();
    tree.clear();
    drafter.draft(tree, BUDGET);
    if (i < WARM_UP) continue;
    times.push(1000 * (performance.now() - committed));
    committing += committed - start;
    nodes += tree.size;
  }
  return {
    p50us: quantile(times, 0.5),
    p99us: quantile(times, 0.99),
    commitUs: (1000 * committing) / times.length,
    nodes: nodes / times.length,
  };
}

function recorded(folder: string): Int32Array[] {
  return [...readTraces(folder).values()].flatMap((conversations) =>
    conversations.flatMap(({ turns }) => turns.map(({ response }) => response)),
  );
}

/** Copies of `documents` of `tokens` or somewhat more in all, each copy changed in other places. */
function repeated(documents: readonly Int32Array[], tokens: number, salt: number): Int32Array[] {
  const found: Int32Array[] = [];
  let copy = salt;
  for (let sum = 0; sum < tokens; copy += 3) {
    for (const document of documents) {
      if (sum >= tokens) break;
      found.push(
        document.map((token, i) =>
          (7 * i + copy) % CHANGED_EVERY === 0 ? (31 * token + SPREAD * copy + i) % 30_000 : token,
        ),
      );
      sum += document.length;
    }
  }
  return found;
}

function print({ session, corpus, builds, draft, goals, machine }: Result): void {
  const million = (value: number) => (value / 1e6).toFixed(2);
  console.log(`session: ${session.tokens} tokens, ${session.bytesPerToken.toFixed(1)} B a token`);
  console.log(
    `corpus: ${million(corpus.tokens)}M tokens, ${corpus.bytesPerToken.toFixed(2)} B a token, ` +
      `built at ${million(corpus.builtPerCpuSecond)}M tokens a CPU second`,
  );
  console.log('built of                    M tokens a CPU second   longest slice, ms');
  for (const { text, perCpuSecond, longestSliceMs } of builds) {
    const cells = [million(perCpuSecond).padStart(18), longestSliceMs.toFixed(1).padStart(20)];
    console.log(text.padEnd(28) + cells.join(''));
  }
  console.log('                      µs p50    p99   commit   nodes');
  for (const [name, times] of [
    ['session alone', draft.alone],
    ['and corpus', draft.full],
    ['and earlier answers', draft.all],
  ] as const) {
    const cells = [times.p50us, times.p99us, times.commitUs, times.nodes];
    console.log(name.padEnd(20) + cells.map((cell) => cell.toFixed(0).padStart(8)).join(''));
  }
  console.log(
    `with the corpus: ${draft.ratio.toFixed(2)} × the time of the session alone, ` +
      `with earlier answers too: ${draft.ratioOfAll.toFixed(2)} ×`,
  );
  printGoals(goals, console.log);
  console.log(`load ${machine.load.toFixed(1)} on ${machine.threads} threads`);
}

main();
