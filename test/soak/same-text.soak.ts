/**
 * The whole matrix of rule 1 on a real model: with drafting and without, the same
 * text and the same log-probabilities to the bit, for forty questions at four
 * temperatures, streamed and whole, alone and in company, with several choices,
 * and with links that break in the middle. `npm run test:soak`; some ten minutes
 * of two free cores.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { QUANTIZATION_CHOICES } from '../../gpu-backend/builder/quantization.ts';
import { ROOT } from '../../local/root.ts';
import { type RealFleet, startFleet } from '../faults/fleet.ts';
import { type Answer, answer, inCompany } from '../lossless/answers.ts';
import { startedOnesAlwaysDraft } from '../support/always-draft.ts';
import { NO_MODEL, REAL_MODEL, realModel } from '../support/real-model.ts';

const QUESTIONS = 40;
const TEMPERATURES = [0, 0.3, 0.8, 1.5];
/** Turns at once: each has eight others beside it. */
const COMPANY = 9;
const MAX_TOKENS = 32;
/** Every so many questions are also asked alone, with four choices, with a link that breaks. */
const ALONE = 5;
const SEVERAL = 10;
const BROKEN = 8;
/** Characters that are out when the link breaks. */
const BREAK_AT = 30;
/** Steps that drafting takes of those without it, at most. */
const MOST_STEPS = 0.95;
const FORMATS = (process.env.ESPALIER_SOAK_FORMATS ?? 'int4,int8').split(',');

/** Each with the passage that answers it: what a drafter quotes from. */
const PROMPTS = readFileSync(join(ROOT, 'bench/data/docs-questions.tsv'), 'utf8')
  .split('\n')
  .slice(1, 1 + QUESTIONS)
  .map((line) => {
    const [file = '', quote = '', question = ''] = line.split('\t');
    const text = readFileSync(join(ROOT, 'docs', file), 'utf8');
    const passage = text.split('\n').find((paragraph) => paragraph.includes(quote)) ?? quote;
    return `${passage.slice(0, 600)}\n\nQuote from this to answer: ${question}`;
  });

interface Count {
  answers: number;
  tokens: number;
  same: number;
}

describe.skipIf(!REAL_MODEL)(`a real model${NO_MODEL}`, () => {
  const formats = QUANTIZATION_CHOICES.filter((format) => FORMATS.includes(format));
  describe.each(formats)('in %s', (format) => {
    let fleet: RealFleet;
    startedOnesAlwaysDraft();
    beforeAll(async () => {
      fleet = await startFleet((await realModel(format)).path);
    });
    afterAll(async () => {
      await fleet?.stop();
    });

    test.each(TEMPERATURES)('at temperature %f', async (temperature) => {
      const started = performance.now();
      const ask = (content: string, mode: 'on' | 'off', more: Partial<Asked> = {}) =>
        askFleet(fleet, { content, mode, temperature, n: 1, stream: false, ...more });
      const plain = await inCompany(PROMPTS, COMPANY, (content) => ask(content, 'off'));
      const count = { answers: 0, tokens: 0, same: 0 };
      const steps = { drafted: 0, plain: 0 };

      const beside = await inCompany(PROMPTS, COMPANY, (content, i) =>
        ask(content, 'on', { stream: i % 2 === 0 }),
      );
      for (const [i, drafted] of beside.entries()) {
        compare(drafted, plain[i]!, count);
        steps.drafted += drafted.steps;
        steps.plain += plain[i]!.steps;
      }

      for (const [i, content] of PROMPTS.entries()) {
        if (i % ALONE === 0) compare(await ask(content, 'on', { stream: true }), plain[i]!, count);
        if (i % ALONE === 1) compare(await ask(content, 'off'), plain[i]!, count);
        if (i % SEVERAL === 0) {
          // Every second time streamed, against a whole one.
          const several = { n: 4, stream: i % (2 * SEVERAL) === 0 };
          const without = await ask(content, 'off', { n: 4 });
          const texts = new Set(without.choices.map(({ text }) => text)).size;
          if (temperature === 0) expect(texts).toBe(1);
          if (temperature > 0.5) expect(texts).toBeGreaterThan(1);
          compare(await ask(content, 'on', several), without, count);
        }
        if (i % BROKEN === 0) {
          const broken = await ask(content, 'on', { stream: true, breakAt: BREAK_AT });
          compare(broken, plain[i]!, count);
        }
      }
      const seconds = Math.round((performance.now() - started) / 1000);
      console.log(
        `${format}, temperature ${temperature}: ${count.answers} answers of ${count.tokens} tokens ` +
          `compared, the same ${count.same}; steps in company ${steps.drafted} ` +
          `with drafting, ${steps.plain} without; ${seconds} s`,
      );
      // Where drafts save no step, equality proves nothing.
      expect(steps.drafted).toBeLessThan(MOST_STEPS * steps.plain);
      expect(count.same).toBe(count.answers);
    });
  });
});

interface Asked {
  content: string;
  mode: 'on' | 'off';
  temperature: number;
  n: number;
  stream: boolean;
  /** Breaks all links once, when so many characters came. */
  breakAt?: number;
}

function askFleet(
  { url, verifiers }: RealFleet,
  { content, mode, temperature, n, stream, breakAt = Number.POSITIVE_INFINITY }: Asked,
): Promise<Answer> {
  const body = {
    messages: [{ role: 'user', content }],
    vector_store_ids: [],
    temperature,
    n,
    seed: 7,
    max_tokens: MAX_TOKENS,
    logprobs: true,
    top_logprobs: 3,
    speculation: { mode, stats: true },
  };
  let broken = false;
  return answer(url, body, stream, (length) => {
    if (broken || length < breakAt) return;
    broken = true;
    for (const { proxy } of verifiers) proxy.cut();
  });
}

function compare(drafted: Answer, plain: Answer, count: Count): void {
  count.answers += plain.choices.length;
  count.tokens += plain.tokens;
  plain.choices.forEach((choice, i) => {
    if (JSON.stringify(drafted.choices[i]) === JSON.stringify(choice)) count.same++;
    else expect.soft(drafted.choices[i]).toEqual(choice);
  });
}
