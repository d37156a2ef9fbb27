/** Which figures of docs/systems.md are kept in bench/results, and where: each as the row has to say it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../local/root.ts';

const kept = (file: string) => JSON.parse(readFileSync(join(ROOT, 'bench/results', file), 'utf8'));

const RECORDED = [
  'cnndm-mistral7b.dev',
  'hagrid-mistral7b.dev',
  'rollouts-qwen.dev',
  'specbench-vicuna7b.dev',
];

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

/** Tokens a step of a rival on Spec-Bench, and ours. */
function besideRival(name: string): string[] {
  const set = kept('replay.json').sets['specbench-vicuna7b.dev'];
  return [set[name].mat.toFixed(2), set.espalier.mat.toFixed(2)];
}

function withTheCorpus(): string[] {
  const set = kept('replay.json').withStaticStore['specbench-vicuna7b.dev'];
  return [set.rest.mat.toFixed(2), set.espalier.mat.toFixed(2)];
}

function besideTheGate(): string[] {
  const { sets } = kept('replay.json');
  const leads = RECORDED.map((set) => sets[set].espalier.mat / sets[set]['rasd-gate'].mat - 1);
  return [`${(100 * Math.min(...leads)).toFixed(0)} to ${percent(Math.max(...leads))}`];
}

function rapid(): string[] {
  const { facts } = kept('rapid.json')['at 0.1'];
  const right = (mode: string) => (10 * facts[mode].told).toFixed(0);
  return [
    `target alone ${right('target')} right`,
    `η 20 ${right('rapid 20')}`,
    `passages alone ${right('rag')}`,
  ];
}

/** Free text at temperature 0. */
const beside = (row: string, file = 'drafters.json') => kept(file).ungrounded['0'][row];

/** With a network that cannot pay and without it, at temperature 0. */
function withoutGain(): string[] {
  const { ungrounded, grounded } = kept('drafters-bundled.json');
  return [ungrounded, grounded].flatMap((tables) =>
    ['L+A+self', 'L+A'].map((row) =>
      Math.round(tables['0'][row].tokensPerSecond).toLocaleString('en'),
    ),
  );
}

function judged(): string[] {
  const { questions, served } = kept('accept-served.json');
  return [served.judge, served.match].flatMap(({ mat, right }) => [
    mat.toFixed(2),
    (right * questions).toFixed(0),
  ]);
}

function suggestions(): string[] {
  const { grounded } = kept('suggest.json');
  const ms = (way: string) => `${grounded[way].ms.toFixed(1)} ms`;
  return [ms('superposed, α 0.5'), ms('nucleus, one by one')];
}

function fromAfar(): string[] {
  const recordings = kept('rtt.json');
  const shares = RECORDED.map((set) => recordings[set].echoed['100'].vsColocated);
  return [percent(Math.min(...shares))];
}

function askedAgain(): string[] {
  const { passes } = kept('memory.json');
  const first = (memory: string) =>
    passes.find((pass: { name: string; memory: string }) => {
      return pass.name === 'again' && pass.memory === memory;
    }).steps;
  return [`${first('on')} steps`, `without memory ${first('off')}`];
}

/** What a rule accepts of three drafts at temperature 1. */
function ofThreeDrafts(...rules: string[]): string[] {
  const table = kept('accept.json').rules.acceptance['1'];
  return rules.map((rule) => table[rule][2].toFixed(3));
}

/** By lossy rule, what it accepts of four drafts at temperature 1 and how far it moves the law. */
function withFourDrafts() {
  const { results } = kept('accept.json').lossy;
  return results.find((one: { temperature: number; drafts: number }) => {
    return one.temperature === 1 && one.drafts === 4;
  }).rules;
}

function typical(): string[] {
  const { 'typical (Medusa)': rule, 'draw and match': match } = withFourDrafts();
  return [rule.acceptance, match.acceptance, rule.variation].map((share) => share.toFixed(3));
}

function relaxed(): string[] {
  const { 'relaxed (LANTERN), δ 0.1': rule, 'draw and match': match } = withFourDrafts();
  return [rule.acceptance, match.acceptance].map((share) => share.toFixed(3));
}

function found(): string[] {
  const sized = kept('retrieval.json').results['our docs'].bySize['190'];
  return [sized.hybrid.ndcg10.toFixed(3), sized.bm25.ndcg10.toFixed(3)];
}

function ranked(): string[] {
  const { ndcg10 } = kept('rank.json');
  return [ndcg10['rank: code'].toFixed(3), ndcg10['as generated'].toFixed(3)];
}

function longDocument(): string[] {
  const { whole, phases } = kept('long.json');
  return [
    whole.withMemory.toFixed(2),
    whole.without.toFixed(2),
    percent(whole.fewerSteps),
    percent(phases.write.fewerSteps),
  ];
}

function languages(): string[] {
  const { languages } = kept('model-report-smollm2.json');
  return [languages.Russian, languages.Thai].map(({ timesEnglish }) => timesEnglish.toFixed(2));
}

/** By what a row's first cell begins with. */
export const KEPT_FIGURES: Readonly<Record<string, () => string[]>> = {
  RASD: besideTheGate,
  RAPID: rapid,
  'Token Recycling': () => [beside('L+A').mat.toFixed(2), beside('L').mat.toFixed(2)],
  ADED: () => besideRival('aded'),
  REST: withTheCorpus,
  SuffixDecoding: () => besideRival('suffix-decoding'),
  'SAM-Decoding': () => besideRival('sam-decoding'),
  SGLang: () => besideRival('sglang-ngram'),
  vLLM: () => besideRival('vllm-ngram'),
  'Prompt lookup': () => besideRival('pld'),
  'Superposed Decoding': suggestions,
  S2D: () => ['L+A+s2d', 'L+A+model'].map((row) => beside(row).tokensPerSecond.toFixed(0)),
  Kangaroo: () =>
    ['L+A+kangaroo', 'L+A'].map((row) =>
      beside(row, 'drafters-kangaroo.json').tokensPerSecond.toFixed(0),
    ),
  SWIFT: () => [
    kept('drafters-swift.json').ungrounded['0, 32 free nodes']['L+A+swift'].mat.toFixed(2),
    ...['L+A+swift', 'L+A'].map((row) =>
      beside(row, 'drafters-swift.json').tokensPerSecond.toFixed(0),
    ),
  ],
  EAGLE: () => [
    beside('L+A+feature').mat.toFixed(2),
    beside('L+A').mat.toFixed(2),
    (beside('L+A+feature').tokensPerSecond / beside('L+A').tokensPerSecond).toFixed(2),
  ],
  Hydra: () => {
    const [own, echo] = ['L+A+hydra', 'L+A'].map((row) => beside(row));
    const times = own.tokensPerSecond / echo.tokensPerSecond;
    return [own.mat, echo.mat, times].map((figure) => figure.toFixed(2));
  },
  DySpec: () => besideRival('espalier'),
  PPD: () => {
    const [own, echo] = ['L+A+ppd', 'L+A'].map((row) => beside(row));
    const quicker = own.tokensPerSecond / echo.tokensPerSecond;
    return [own.mat, echo.mat, quicker].map((figure) => figure.toFixed(2));
  },
  'SpecDec++': withoutGain,
  PEARL: fromAfar,
  'Online Speculative Decoding': askedAgain,
  Dovetail: fromAfar,
  'draw and match': () => ofThreeDrafts('draw and match, shared noise'),
  SpecInfer: () => ofThreeDrafts('recursive rejection (SpecInfer), with replacement'),
  SpecTr: () => ofThreeDrafts('K-SEQ (SpecTr), with replacement'),
  RSD: () => ofThreeDrafts('without replacement (RSD)'),
  'Towards Optimal Multi-draft': () =>
    ofThreeDrafts('greedy multi-draft', 'optimum without replacement'),
  'Judge Decoding': judged,
  Medusa: typical,
  LANTERN: relaxed,
  'Token-level retrieval metrics': found,
  Qtok: languages,
  FRANC: ranked,
  AutoPatent: longDocument,
};
