/** Every drafter of the replay, by name, made anew for each file. */
import { TrigramDrafter } from '../../src/draft/trigram.ts';
import type { Contender } from '../rivals/contender.ts';
import { PromptLookup } from '../rivals/prompt-lookup.ts';
import { RasdGate } from '../rivals/rasd-gate.ts';
import { Rest } from '../rivals/rest.ts';
import { SamDecoding } from '../rivals/sam-decoding.ts';
import { SglangNgram } from '../rivals/sglang-ngram.ts';
import { SuffixDecoding } from '../rivals/suffix-decoding.ts';
import { TokenRecycling } from '../rivals/token-recycling.ts';
import { VllmNgram } from '../rivals/vllm-ngram.ts';
import { OwnDrafter } from './own.ts';
import { ServiceDrafter } from './service.ts';

/** What a file offers beyond tokens: it decides which drafters can run. */
export interface Material {
  documents: readonly Int32Array[];
  hasTop: boolean;
}

interface Entry {
  /** `source`: ours with one source; `ablation`: ours with something left out or done otherwise. */
  kind: 'own' | 'source' | 'ablation' | 'rival';
  /** `null` where a drafter has nothing to work on. */
  make(material: Material): Contender | null;
}

export const OWN = 'espalier';

export const CATALOGUE: Readonly<Record<string, Entry>> = {
  [OWN]: own('own', 'LTSA', ''),
  'espalier-service': { kind: 'own', make: ({ documents }) => new ServiceDrafter(documents) },
  'espalier-session': own('source', 'L', ''),
  'espalier-outputs': own('source', 'T', ''),
  'espalier-corpus': own('source', 'S', 'S'),
  'espalier-recycled': own('source', 'A', 'A'),
  'espalier-no-corpus': own('ablation', 'LTA', 'S'),
  'espalier-no-recycling': own('ablation', 'LTS', 'A'),
  'rasd-gate': {
    kind: 'ablation',
    make: ({ documents }) => (documents.length > 0 ? new RasdGate(documents) : null),
  },
  pld: rival(() => new PromptLookup()),
  'vllm-ngram': rival(() => new VllmNgram()),
  rest: rival(({ documents }) => (documents.length > 0 ? new Rest(documents) : null)),
  'sam-decoding': rival(({ documents }) => new SamDecoding(documents)),
  'suffix-decoding': rival(
    // The published factors: 4 nodes a matched token, 8 with a corpus.
    ({ documents }) => new SuffixDecoding(documents.length > 0 ? 8 : 4, documents),
  ),
  'sglang-ngram': rival(({ documents }) => new SglangNgram(documents)),
  'token-recycling': rival(({ hasTop }) => (hasTop ? new TokenRecycling() : null)),
  aded: rival(({ documents }) => {
    const drafter = new TrigramDrafter();
    for (const document of documents) drafter.seed(document);
    return drafter;
  }),
};

/** Ours over those of `stores` that a file has; `null` where it lacks `needed`. */
function own(kind: Entry['kind'], stores: string, needed: string): Entry {
  return {
    kind,
    make({ documents, hasTop }) {
      const has = (store: string) =>
        store === 'S' ? documents.length > 0 : store === 'A' ? hasTop : true;
      if (![...needed].every(has)) return null;
      return new OwnDrafter([...stores].filter(has), documents);
    },
  };
}

function rival(make: Entry['make']): Entry {
  return { kind: 'rival', make };
}
