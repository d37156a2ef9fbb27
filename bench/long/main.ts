/**
 * A long document (AutoPatent's workload): planned, written section by section from a
 * store and examined, through the whole service, once without memory and once with what
 * the earlier sections left. Tokens a step by phase; the texts of both must be equal.
 *
 *   npm run -s bench:long -- [--model FOLDER] [--tokens 4000] [--section 400] [--json]
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { startService } from '../../test/support/service.ts';
import { streamChat } from '../stream-chat.ts';
import { compareDrafts, linesOf } from './comparison.ts';
import { type Ask, writeDocument } from './document.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    tokens: { type: 'string', default: '4000' },
    section: { type: 'string', default: '400' },
    json: { type: 'boolean', default: false },
  },
});

const SEED = 11;

const service = await startService(values.model ? { model: values.model } : {});
try {
  const plan = { tokens: Number(values.tokens), section: Number(values.section) };
  // Warms code and caches, and leaves nothing behind.
  await asking(false)('What is the echo?', { max_tokens: 32 });
  const without = await writeDocument(asking(false), plan);
  const withMemory = await writeDocument(asking(true), plan);
  const comparison = compareDrafts(without, withMemory);
  const load = loadavg()[0]!;
  if (values.json) {
    const sums = { without: without.phases, withMemory: withMemory.phases };
    console.log(JSON.stringify({ load, ...plan, ...comparison, sums }));
  } else for (const line of linesOf(comparison)) console.log(line);
} finally {
  await service.stop();
}

function asking(memory: boolean): Ask {
  return async (content, fields) => {
    const { text, usage, seconds } = await streamChat(service.url, {
      messages: [{ role: 'user', content }],
      temperature: 0.7,
      seed: SEED,
      speculation: { memory, draft_model: 'off', stats: true },
      ...fields,
    });
    return {
      text,
      tokens: usage.completion_tokens,
      steps: usage.speculation!.steps,
      seconds,
    };
  };
}
