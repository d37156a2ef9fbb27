/**
 * RAPID's case: a document given whole, the draft model on the passages that
 * match; one of some 8,000 tokens, and one of 1,700. Every variant asks two questions over each copy of the
 * document, as a tenant of its own: the first finds nothing cached, the second
 * the document. Copies differ in their first line, so they share no prefix.
 *
 * The target is the bundled one, stretched. Over 1,700 tokens it still quotes;
 * over 8,000 it says nothing of use. Times there are those of the path and the
 * engine, tokens a step are those of poor text. The run tells how much of the
 * answers stands in the document word for word, and how much only repeats the
 * answer itself, which would flatter drafting.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../local/root.ts';
import { createTokenizer } from '../../src/model/tokenizer.ts';
import { createKey } from '../../test/support/keys.ts';
import { type StreamedChat, streamChat } from '../stream-chat.ts';
import { MAX_TOKENS, round, SEED } from './compare.ts';
import { type PacedService, startPacedService } from './service.ts';
import { STRETCHED_CONTEXT, stretchedTarget } from './stretched-target.ts';
import { LONG } from './variants.ts';

interface Document {
  /** In docs/. */
  files: readonly string[];
  /** Of them together. */
  characters: number;
}

const DOCUMENTS: Readonly<Record<string, Document>> = {
  about8000: { files: ['how-it-works.md', 'storage.md', 'deploy.md'], characters: 26_500 },
  about1700: { files: ['how-it-works.md'], characters: 6_400 },
};
/** Tokens in a row that are a copy and no coincidence; and that make a loop. */
const COPY_RUN = 8;
const LOOP_RUN = 4;

export interface LongFigures {
  /** Milliseconds until the first text: the document not cached, and cached. */
  ttftMs: number;
  cachedTtftMs: number;
  /** Of both questions, whole requests and after their first text. */
  tokensPerSecond: number;
  cachedTokensPerSecond: number;
  mat: number;
  drafting: number;
}

/** Over one document. */
export interface LongResult {
  promptTokens: number;
  /** Tokens that the draft model read. */
  draftContextTokens: number;
  cachedTokens: number;
  answers: number;
  /** Shares of the answers' tokens. */
  copied: number;
  repeated: number;
  /** Answers that were not what the others of the same question were: 0, or drafting is not lossless. */
  different: number;
  paced: Record<string, LongFigures>;
  ownPace: Record<string, LongFigures>;
}

export async function measureLong(
  paceMs: number,
  pairs: number,
): Promise<Record<string, LongResult>> {
  const folder = stretchedTarget();
  const service = await startPacedService({ model: { folder, context: STRETCHED_CONTEXT } });
  try {
    await fetch(`${service.url}/health`);
    const results: Record<string, LongResult> = {};
    for (const [name, document] of Object.entries(DOCUMENTS)) {
      const sums = new Sums(document);
      await service.pace(paceMs);
      const paced = await ask(service, `${name} paced`, document, pairs, sums);
      await service.pace(0);
      const ownPace = await ask(service, `${name} own`, document, pairs, sums);
      results[name] = { ...sums.figures(), paced, ownPace };
    }
    return results;
  } finally {
    await service.stop();
    rmSync(folder, { recursive: true });
  }
}

async function ask(
  service: PacedService,
  part: string,
  document: Document,
  pairs: number,
  sums: Sums,
): Promise<Record<string, LongFigures>> {
  const names = Object.keys(LONG) as (keyof typeof LONG)[];
  const tenants = new Map<string, { key: string; totals: Totals }>();
  for (const name of names) {
    const key = await createKey(service.databases, `${part} ${name}`);
    tenants.set(name, { key, totals: new Totals() });
  }
  const questions = questionsOf(document.files);
  for (let pair = 0; pair < pairs; pair++) {
    const texts = new Set<string>();
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + pair) % names.length]!;
      const { key, totals } = tenants.get(name)!;
      const file = await upload(service.url, key, textOf(document, `${part} ${pair}`));
      for (const isCached of [false, true]) {
        const at = Math.floor(((2 * pair + Number(isCached)) * questions.length) / (2 * pairs));
        const answer = await streamChat(
          service.url,
          {
            messages: [{ role: 'user', content: questions[at]! }],
            file_ids: [file],
            context: 'full',
            temperature: 0,
            seed: SEED,
            max_tokens: MAX_TOKENS,
            speculation: { ...LONG[name], memory: false, stats: true },
          },
          { authorization: `Bearer ${key}` },
        );
        totals.add(answer, isCached);
        sums.add(answer, isCached);
        texts.add(`${isCached} ${answer.text}`);
      }
    }
    sums.different += texts.size - 2;
  }
  return Object.fromEntries(names.map((name) => [name, tenants.get(name)!.totals.figures()]));
}

/** Of one variant. */
class Totals {
  private readonly ttft = { cold: 0, cached: 0 };
  private readonly tokens = { cold: 0, cached: 0 };
  private readonly seconds = { cold: 0, cached: 0 };
  private answers = 0;
  private steps = 0;
  private committed = 0;
  private drafting = 0;

  add({ ttftMs, seconds, usage }: StreamedChat, isCached: boolean): void {
    const when = isCached ? 'cached' : 'cold';
    const { steps, mean_accepted, draft_model } = usage.speculation!;
    this.ttft[when] += ttftMs;
    this.tokens[when] += usage.completion_tokens;
    this.seconds[when] += seconds;
    this.answers++;
    this.steps += steps;
    this.committed += steps * mean_accepted;
    if (draft_model) this.drafting++;
  }

  figures(): LongFigures {
    const { ttft, tokens, seconds, answers } = this;
    return {
      ttftMs: round((2 * ttft.cold) / answers),
      cachedTtftMs: round((2 * ttft.cached) / answers),
      tokensPerSecond: round((tokens.cold + tokens.cached) / (seconds.cold + seconds.cached)),
      cachedTokensPerSecond: round(tokens.cached / seconds.cached),
      mat: round(this.committed / this.steps),
      drafting: round(this.drafting / answers),
    };
  }
}

/** Of all variants: what was read, and what kind of text was said. */
class Sums {
  different = 0;
  private readonly document: ReadonlySet<string>;
  private answers = 0;
  private said = 0;
  private copied = 0;
  private repeated = 0;
  private promptTokens = 0;
  private cachedTokens = 0;
  private draftContextTokens = 0;

  constructor(document: Document) {
    this.document = new Set(runs(encode(textOf(document, '')), COPY_RUN));
  }

  add({ text, usage }: StreamedChat, isCached: boolean): void {
    const tokens = encode(text);
    this.answers++;
    this.said += tokens.length;
    this.copied += covered(tokens, this.document, COPY_RUN);
    const own = runs(tokens, LOOP_RUN);
    this.repeated += own.length - new Set(own).size;
    this.promptTokens = Math.max(this.promptTokens, usage.prompt_tokens);
    const read = usage.speculation!.draft_model?.context_tokens ?? 0;
    this.draftContextTokens = Math.max(this.draftContextTokens, read);
    if (isCached) this.cachedTokens += usage.prompt_tokens_details.cached_tokens;
  }

  figures() {
    const { promptTokens, draftContextTokens, answers, different } = this;
    return {
      promptTokens,
      draftContextTokens,
      cachedTokens: Math.round((2 * this.cachedTokens) / answers),
      answers,
      copied: round(this.copied / this.said),
      repeated: round(this.repeated / this.said),
      different,
    };
  }
}

function textOf({ files, characters }: Document, name: string): string {
  const texts = files.map((file) => readFileSync(join(ROOT, 'docs', file), 'utf8'));
  return `${name}\n\n${texts.join('\n\n').slice(0, characters)}`;
}

/** Those that these documents answer. */
function questionsOf(files: readonly string[]): string[] {
  const rows = readFileSync(join(ROOT, 'bench/data/docs-questions.tsv'), 'utf8').trim().split('\n');
  return rows
    .slice(1)
    .map((row) => row.split('\t'))
    .filter(([file]) => files.includes(file!))
    .map(([, , question]) => question!);
}

async function upload(url: string, key: string, text: string): Promise<string> {
  const form = new FormData();
  form.set('purpose', 'user_data');
  form.set('file', new File([text], 'manual.md'));
  const response = await fetch(`${url}/v1/files`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: form,
  });
  if (!response.ok) throw new Error(await response.text());
  return ((await response.json()) as { id: string }).id;
}

function encode(text: string): number[] {
  return [...tokenizer().encodeUntrusted(text)];
}

let known: ReturnType<typeof createTokenizer> | undefined;
function tokenizer() {
  const read = (file: string) =>
    JSON.parse(readFileSync(join(ROOT, 'models/target', file), 'utf8')) as unknown;
  known ??= createTokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
  return known;
}

function runs(tokens: readonly number[], length: number): string[] {
  return tokens.slice(length - 1).map((_, i) => tokens.slice(i, i + length).join());
}

/** Tokens that are in a run of `length` which `known` has. */
function covered(tokens: readonly number[], known: ReadonlySet<string>, length: number): number {
  const inRun = new Uint8Array(tokens.length);
  for (const [i, run] of runs(tokens, length).entries()) {
    if (known.has(run)) inRun.fill(1, i, i + length);
  }
  return inRun.reduce((sum, one) => sum + one, 0);
}
