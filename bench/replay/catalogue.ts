/** Every drafter of the replay, by name, made anew for each file. */
import { TrigramDrafter } from '../rivals/aded.ts';
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

/** What some drafters can't work without, and where it comes from. */
const NEEDS = {
  corpus: 'a static store (--static FILE)',
  top: 'the target’s likeliest tokens in the recording ("top")',
};

interface Entry {
  /** `source`: ours with one source; `ablation`: ours with something left out or done otherwise. */
  kind: 'own' | 'source' | 'ablation' | 'rival';
  title: string;
  needs?: keyof typeof NEEDS;
  make(material: Material): Contender;
}

export const OWN = 'espalier';
export const SERVICE = 'espalier-service';

export const CATALOGUE: Readonly<Record<string, Entry>> = {
  [OWN]: own('own', 'Espalier, all stores beside it', 'LTSA'),
  [SERVICE]: {
    kind: 'own',
    title: 'Espalier, asking for its stores as a turn of the service does',
    make: ({ documents }) => new ServiceDrafter(documents),
  },
  'espalier-session': own('source', 'the session’s text alone (L)', 'L'),
  'espalier-outputs': own('source', 'earlier answers alone (T)', 'T'),
  'espalier-corpus': own('source', 'the corpus alone (S)', 'S', 'corpus'),
  'espalier-recycled': own('source', 'recycled guesses of the target alone (A)', 'A', 'top'),
  'espalier-no-corpus': own('ablation', 'Espalier without the corpus', 'LTA', 'corpus'),
  'espalier-no-recycling': own('ablation', 'Espalier without recycled guesses', 'LTS', 'top'),
  'rasd-gate': {
    kind: 'ablation',
    title: 'RASD’s gate between two trees of ours',
    make: ({ documents }) => new RasdGate(documents),
  },
  pld: rival('prompt lookup', () => new PromptLookup()),
  'vllm-ngram': rival('vLLM’s n-gram proposer', () => new VllmNgram()),
  rest: { ...rival('REST', ({ documents }) => new Rest(documents)), needs: 'corpus' },
  'sam-decoding': rival('SAM-Decoding', ({ documents }) => new SamDecoding(documents)),
  'suffix-decoding': rival('SuffixDecoding', ({ documents }) => new SuffixDecoding(documents)),
  'sglang-ngram': rival('SGLang’s NGRAM', ({ documents }) => new SglangNgram(documents)),
  'token-recycling': { ...rival('Token Recycling', () => new TokenRecycling()), needs: 'top' },
  aded: rival('ADED’s tri-grams', ({ documents }) => new TrigramDrafter(documents)),
};

/** What `entry` would need to run on this, in words; null where it has all. */
export function lackOf({ needs }: Entry, { documents, hasTop }: Material): string | null {
  if (needs === 'corpus' && documents.length === 0) return NEEDS.corpus;
  return needs === 'top' && !hasTop ? NEEDS.top : null;
}

/** Ours over those of `stores` that a file has. */
function own(kind: Entry['kind'], title: string, stores: string, needs?: Entry['needs']): Entry {
  return {
    kind,
    title,
    ...(needs && { needs }),
    make({ documents, hasTop }) {
      const has = (store: string) =>
        store === 'S' ? documents.length > 0 : store === 'A' ? hasTop : true;
      return new OwnDrafter([...stores].filter(has), documents);
    },
  };
}

function rival(title: string, make: Entry['make']): Entry {
  return { kind: 'rival', title, make };
}
