/**
 * What holding answers to a JSON Schema costs and what it gives: time to make a
 * grammar, time of a mask at a place met for the first time and again, and tokens
 * a step with and without the text that a schema leaves no choice about.
 *
 *   npm run bench:grammar [-- --tokenizer folder] [--json]
 *
 * Tokens a step are of a target that says each document as the tokenizer spells
 * it; the echo drafts from the schema and the documents before, with at most
 * sixteen nodes a step. The baseline is plain decoding, one token a step, and
 * beside it the same echo without the grammar.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { GrammarMask } from '../gpu-backend/accept/grammar-mask.ts';
import { EchoDrafter } from '../gpu-backend/drafters/echo.ts';
import { Grammar } from '../gpu-backend/grammar/grammar.ts';
import { Program } from '../gpu-backend/grammar/program.ts';
import { schemaGrammar } from '../gpu-backend/grammar/schema/reader.ts';
import { tokenBytes } from '../gpu-backend/grammar/token-bytes.ts';
import { Vocabulary } from '../gpu-backend/grammar/vocabulary.ts';
import { ROOT as FOLDER } from '../local/root.ts';
import { prune } from '../src/draft/tree/prune.ts';
import { selectBest } from '../src/draft/tree/select.ts';
import { ROOT, TokenTree } from '../src/draft/tree/tree.ts';
import { createTokenizer, type ModelTokenizer } from '../src/model/tokenizer.ts';
import { CASES } from './grammar/cases.ts';
import { quantile } from './statistics.ts';

const BUDGET = 16;
/** Grammars made to warm the code up, then to be timed. */
const WARM_UP = 5;
const ROUNDS = 20;
const STOPS = new Set<number>();

type Drafts = 'grammar' | 'echo' | 'both';

interface CaseResult {
  name: string;
  tokens: number;
  /** Tokens a step. */
  mat: Record<Drafts, number>;
  compileMs: number;
  firstMaskUs: { mean: number; p99: number };
  knownMaskUs: number;
  bytes: number;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      tokenizer: { type: 'string', default: join(FOLDER, 'models/target') },
      json: { type: 'boolean' },
    },
  });
  const read = (file: string) => JSON.parse(readFileSync(join(values.tokenizer, file), 'utf8'));
  const tokenizerJson = read('tokenizer.json');
  const tokenizer = createTokenizer(tokenizerJson, read('tokenizer_config.json'));
  const texts = tokenBytes(tokenizerJson);
  const started = performance.now();
  const vocabulary = new Vocabulary(texts, texts.length);
  const vocabularyMs = performance.now() - started;
  const cases = CASES.map((one) => measure(one, vocabulary, tokenizer));
  const machine = { threads: availableParallelism(), load: loadavg()[0]!, node: process.version };
  const result = { vocabulary: { tokens: texts.length, ms: vocabularyMs }, cases, machine };
  if (values.json) console.log(JSON.stringify(result));
  else print(result);
}

function measure(
  { name, schema, documents }: (typeof CASES)[number],
  vocabulary: Vocabulary,
  tokenizer: ModelTokenizer,
): CaseResult {
  const make = () =>
    new Grammar(new Program(schemaGrammar(schema, ['schema'], true).expression), vocabulary, STOPS);
  const compile: number[] = [];
  const first: number[] = [];
  const known: number[] = [];
  const answers = documents.map((document) => tokenizer.encode(document));
  let grammar = make();
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const before = performance.now();
    grammar = make();
    if (round >= 0) compile.push(performance.now() - before);
    for (const times of [first, known]) {
      for (const answer of answers) {
        let at = grammar.start;
        for (const token of answer) {
          const start = performance.now();
          grammar.mask(at);
          if (round >= 0) times.push(1000 * (performance.now() - start));
          const next = grammar.advance(at, token);
          if (!next) throw new Error(`${name}: a document is not what the schema lets through`);
          at = next;
        }
      }
    }
  }
  const prompt = tokenizer.encode(JSON.stringify(schema));
  const tokens = answers.reduce((sum, { length }) => sum + length, 0);
  const mat = (drafts: Drafts) => tokens / stepsOf(grammar, prompt, answers, drafts);
  return {
    name,
    tokens,
    mat: { grammar: mat('grammar'), echo: mat('echo'), both: mat('both') },
    compileMs: quantile(compile, 0.5),
    firstMaskUs: { mean: mean(first), p99: quantile(first, 0.99) },
    knownMaskUs: mean(known),
    bytes: grammar.bytes,
  };
}

/** Steps to say all answers, one turn after the other, each turn's echo with the answers before in its prompt. */
function stepsOf(
  grammar: Grammar,
  prompt: Int32Array,
  answers: readonly Int32Array[],
  drafts: Drafts,
): number {
  const drawn = new TokenTree();
  const pruned = new TokenTree();
  const tree = new TokenTree(64);
  const ruledOut = new Uint8Array(drawn.capacity);
  let steps = 0;
  let before = [...prompt];
  for (const answer of answers) {
    const echo = new EchoDrafter();
    echo.begin(Int32Array.from(before), []);
    const mask = new GrammarMask(grammar);
    for (let at = 0; at < answer.length; steps++) {
      drawn.clear();
      ruledOut.fill(0);
      if (drafts !== 'grammar') echo.draft(drawn, BUDGET);
      if (drafts !== 'echo') mask.ruleOut(drawn, ruledOut);
      prune(drawn, ruledOut, pruned);
      if (drafts !== 'echo') mask.extend(pruned);
      selectBest(pruned, tree, BUDGET);
      let node: number = ROOT;
      const from = at;
      do {
        mask.advance(answer[at]!);
        node = tree.child(node, answer[at]!);
        at++;
      } while (node >= 0 && at < answer.length);
      echo.commit(answer.slice(from, at));
    }
    before = [...before, ...answer];
  }
  return steps;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function print({
  vocabulary,
  cases,
  machine,
}: {
  vocabulary: { tokens: number; ms: number };
  cases: CaseResult[];
  machine: { threads: number; load: number };
}): void {
  console.log(`vocabulary: ${vocabulary.tokens} tokens, ready in ${vocabulary.ms.toFixed(0)} ms`);
  console.log('tokens a step, plain decoding 1     grammar    echo    both');
  for (const { name, mat } of cases) {
    const cells = [mat.grammar, mat.echo, mat.both].map((value) => value.toFixed(2).padStart(8));
    console.log(name.padEnd(34) + cells.join(''));
  }
  console.log('                          ms made  µs a mask: first   p99   known      kB');
  for (const { name, compileMs, firstMaskUs, knownMaskUs, bytes } of cases) {
    console.log(
      name.padEnd(26) +
        compileMs.toFixed(2).padStart(7) +
        firstMaskUs.mean.toFixed(0).padStart(18) +
        firstMaskUs.p99.toFixed(0).padStart(6) +
        knownMaskUs.toFixed(2).padStart(8) +
        (bytes / 1000).toFixed(0).padStart(8),
    );
  }
  console.log(`load ${machine.load.toFixed(1)} on ${machine.threads} threads`);
}

main();
