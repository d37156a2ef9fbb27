/** Parses a hostile file as ingestion would, and counts what that takes. */
import { chunk } from '../../src/retrieve/chunk.ts';
import { UnreadableFile } from '../../src/retrieve/parse/document.ts';
import { parse } from '../../src/retrieve/parse/parse.ts';
import type { HostileFile } from './hostile-files.ts';

export interface Cost {
  /** Of CPU time. */
  ms: number;
  /** Bytes held at most, above what was held before; what is no longer used counts until it is collected. */
  bytes: number;
  /** Characters of the document, and of its passages with their titles. */
  text: number;
}

/** Fails for any error but the file's own. */
export async function costOf({ name, content }: HostileFile): Promise<Cost> {
  const before = held();
  let most = before;
  let text = 0;
  const start = process.cpuUsage();
  try {
    const document = await parse(content.slice().buffer, name, '', async () => {
      most = Math.max(most, held());
    });
    text = document.text.length;
    for (const passages of chunk(document, { maxTokens: 200, overlapTokens: 30 }, byLength)) {
      for (const { title, heading, text: own } of passages) {
        text += title.length + heading.length + own.length;
      }
    }
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
  }
  most = Math.max(most, held());
  const { user, system } = process.cpuUsage(start);
  return { ms: (user + system) / 1_000, bytes: most - before, text };
}

function held(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Tokens of three characters, whose ids nobody reads. */
function byLength(text: string): Int32Array {
  return new Int32Array(Math.ceil(text.length / 3));
}
