/** Every drafter of the replay, by name, made anew for each file. */
import { BlendDrafter } from '../../src/draft/blend.ts';
import { CorpusStore } from '../../src/draft/corpus-store.ts';
import type { EvidenceStore } from '../../src/draft/evidence.ts';
import { OutputStore } from '../../src/draft/output-store.ts';
import { RecyclingStore } from '../../src/draft/recycling-store.ts';
import { Segment } from '../../src/draft/segment.ts';
import { buildSegment } from '../../src/draft/segment-builder.ts';
import { SessionStore } from '../../src/draft/session-store.ts';
import { TrigramDrafter } from '../../src/draft/trigram.ts';
import type { Contender } from '../rivals/contender.ts';
import { PromptLookup } from '../rivals/prompt-lookup.ts';
import { SamDecoding } from '../rivals/sam-decoding.ts';
import { SglangNgram } from '../rivals/sglang-ngram.ts';
import { SuffixDecoding } from '../rivals/suffix-decoding.ts';
import { TokenRecycling } from '../rivals/token-recycling.ts';
import { VllmNgram } from '../rivals/vllm-ngram.ts';

/** What a file offers beyond tokens: it decides which drafters can run. */
interface Material {
  documents: readonly Int32Array[];
  hasTop: boolean;
}

type Make = (material: Material) => Contender | null;

export const OWN = 'espalier';

/** `null` where a drafter has nothing to work on. */
export const CATALOGUE: Readonly<Record<string, Make>> = {
  [OWN]: ({ documents, hasTop }) => blend({ outputs: true, documents, recycling: hasTop }),
  'espalier-session': () => blend({ outputs: false, documents: [], recycling: false }),
  'espalier-no-corpus': ({ documents, hasTop }) =>
    documents.length > 0 ? blend({ outputs: true, documents: [], recycling: hasTop }) : null,
  'espalier-no-recycling': ({ documents, hasTop }) =>
    hasTop ? blend({ outputs: true, documents, recycling: false }) : null,
  pld: () => new PromptLookup(),
  'vllm-ngram': () => new VllmNgram(),
  'sam-decoding': ({ documents }) => new SamDecoding(documents),
  'suffix-decoding': ({ documents }) =>
    // The published factors: 4 nodes a matched token, 8 with a corpus.
    new SuffixDecoding(documents.length > 0 ? 8 : 4, documents),
  'sglang-ngram': ({ documents }) => new SglangNgram(documents),
  'token-recycling': ({ hasTop }) => (hasTop ? new TokenRecycling() : null),
  aded: ({ documents }) => {
    const drafter = new TrigramDrafter();
    for (const document of documents) drafter.seed(document);
    return drafter;
  },
};

interface Given {
  outputs: boolean;
  documents: readonly Int32Array[];
  recycling: boolean;
}

function blend(given: Given): Contender {
  const session = new SessionStore();
  const stores: EvidenceStore[] = [session];
  const outputs = given.outputs ? new OutputStore() : null;
  if (outputs) stores.push(outputs);
  const corpus =
    given.documents.length > 0 ? new CorpusStore(new Segment(buildSegment(given.documents))) : null;
  if (corpus) stores.push(corpus);
  const recycling = given.recycling ? new RecyclingStore() : null;
  if (recycling) stores.push(recycling);
  const drafter = new BlendDrafter(stores);
  return {
    begin: (prompt, regions) => drafter.begin(prompt, regions),
    commit: (tokens) => drafter.commit(tokens),
    draft: (tree, budget) => drafter.draft(tree, budget),
    end: (output) => outputs?.learn(output),
    observe: (token, successors) => recycling?.observe(token, successors),
    bytes: () => session.bytes + (outputs?.bytes ?? 0) + (corpus?.bytes ?? 0),
  };
}
