/**
 * A long document (AutoPatent's workload): planned, written section by section from a
 * store and examined, through the whole service, once without memory and once with what
 * the earlier sections left. Tokens a step by phase; the texts of both must be equal.
 *
 *   npm run -s bench:long -- [--model FOLDER] [--tokens 4000] [--section 400] [--json]
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { startService } from '../test/support/service.ts';
import { type StreamedChat, streamChat } from './stream-chat.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    tokens: { type: 'string', default: '4000' },
    section: { type: 'string', default: '400' },
    json: { type: 'boolean', default: false },
  },
});

const SEED = 11;
const SUBJECT = 'a service that answers from its users’ documents by speculative decoding';
const PHASES = ['plan', 'write', 'examine'] as const;
type Phase = (typeof PHASES)[number];

interface Sum {
  tokens: number;
  steps: number;
  seconds: number;
}

interface Draft {
  /** Tokens of the sections together. */
  length: number;
  texts: string[];
  phases: Record<Phase, Sum>;
}

/** Asks one question and adds what it took to a phase. */
type Ask = (phase: Phase, content: string, more?: object) => Promise<StreamedChat>;

async function main(): Promise<void> {
  const service = await startService(values.model ? { model: values.model } : {});
  try {
    // Warms code and caches, and leaves nothing behind.
    await streamChat(service.url, requestOf('What is the echo?', false, { max_tokens: 32 }));
    const without = await writeDocument(service.url, false);
    const withMemory = await writeDocument(service.url, true);
    const different = without.texts.filter((text, i) => text !== withMemory.texts[i]).length;
    report(without, withMemory, different);
  } finally {
    await service.stop();
  }
}

function requestOf(content: string, memory: boolean, more: object) {
  return {
    messages: [{ role: 'user', content }],
    temperature: 0.7,
    seed: SEED,
    speculation: { memory, draft_model: 'off', stats: true },
    ...more,
  };
}

async function writeDocument(url: string, memory: boolean): Promise<Draft> {
  const none = (): Sum => ({ tokens: 0, steps: 0, seconds: 0 });
  const phases = { plan: none(), write: none(), examine: none() };
  const ask: Ask = async (phase, content, more = {}) => {
    const answer = await streamChat(url, requestOf(content, memory, more));
    const { steps, mean_accepted } = answer.usage.speculation!;
    phases[phase].tokens += steps * mean_accepted;
    phases[phase].steps += steps;
    phases[phase].seconds += answer.seconds;
    return answer;
  };
  const titles = await plan(ask);
  const texts: string[] = [];
  let length = 0;
  for (let i = 0; length < Number(values.tokens); i++) {
    const title = titles[i % titles.length]!;
    const part = i < titles.length ? '' : `, part ${1 + Math.floor(i / titles.length)}`;
    const task = `Write the section “${title}”${part} of a specification of ${SUBJECT}. Be thorough, and quote the passages.`;
    const { text, usage } = await ask('write', task, { max_tokens: Number(values.section) });
    length += usage.completion_tokens;
    texts.push(text);
  }
  for (const text of [...texts]) {
    const task = `Examine this section of a specification. Quote each sentence that states a fact.\n\n${text}`;
    texts.push((await ask('examine', task, { max_tokens: 128, vector_store_ids: [] })).text);
  }
  return { length, texts, phases };
}

/** Titles of sections, held to a list. */
async function plan(ask: Ask): Promise<string[]> {
  const list = {
    type: 'array',
    items: { type: 'string', minLength: 8, maxLength: 60 },
    minItems: 6,
    maxItems: 6,
  };
  const schema = {
    type: 'object',
    properties: { sections: list },
    required: ['sections'],
    additionalProperties: false,
  };
  const { text } = await ask('plan', `List the sections of a specification of ${SUBJECT}.`, {
    max_tokens: 400,
    response_format: { type: 'json_schema', json_schema: { name: 'plan', schema } },
  });
  return JSON.parse(text).sections;
}

function report(without: Draft, withMemory: Draft, different: number): void {
  const load = loadavg()[0]!;
  if (values.json) {
    const told = ({ length, phases }: Draft) => ({ length, phases });
    console.log(
      JSON.stringify({ load, different, without: told(without), withMemory: told(withMemory) }),
    );
    return;
  }
  console.log(`a document of ${without.length} tokens, load ${load.toFixed(1)}`);
  console.log('phase     tokens a step: without memory, with; fewer steps');
  for (const phase of PHASES) {
    const [a, b] = [without.phases[phase], withMemory.phases[phase]];
    const fewer = 100 * (1 - b.steps / a.steps);
    console.log(
      `${phase.padEnd(9)} ${(a.tokens / a.steps).toFixed(2)}, ${(b.tokens / b.steps).toFixed(2)}; ${fewer.toFixed(0)} %`,
    );
  }
  console.log(`texts that differ: ${different}`);
}

await main();
