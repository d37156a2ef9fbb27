/** The rows of `bench:rapid`: what the target reads in each, and what drafts for it. */
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import { Echoes } from '../../gpu-backend/drafters/echoes.ts';
import type { LocalDrafters } from '../../gpu-backend/drafters/local-drafters.ts';
import type { Network } from '../../gpu-backend/drafters/network.ts';
import { NetworkedDrafters } from '../../gpu-backend/drafters/networked-drafters.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import { Decoder } from '../drafters/decode.ts';
import { shared } from '../drafters/free-nodes.ts';

/** Runs of the network before a step, a node in each: a chain, as RAPID drafts it. */
const CHAIN = { passes: 6, nodes: 1 };

export interface RowPlan {
  name: string;
  /** What the target reads: the document, or the passages that were found in it. */
  reads: 'all' | 'passages';
  /** What drafts: nothing, the echo, or with it the target's own weights over the passages. */
  drafts: 'nothing' | 'echo' | 'self';
  /** η of the transfer. */
  eta: number;
  /** Whether the network is asked before every step, whatever that costs. */
  always: boolean;
}

/** @param etas of the transfer; at 0 RAPID is lossless, and is asked for at any price to be compared with the others */
export function rowsOf(etas: readonly number[]): RowPlan[] {
  const all = { reads: 'all', eta: 0, always: false } as const;
  return [
    { ...all, name: 'target', drafts: 'nothing' },
    { ...all, name: 'rag', drafts: 'nothing', reads: 'passages' },
    { ...all, name: 'echo', drafts: 'echo' },
    { ...all, name: 'rapid where it pays', drafts: 'self' },
    ...etas.map((eta) => ({
      ...all,
      name: `rapid ${eta}`,
      drafts: 'self' as const,
      eta,
      always: true,
    })),
  ];
}

/** Whether the row's text is the target's over the whole document, token for token. */
export function isLossless({ reads, eta }: RowPlan): boolean {
  return reads === 'all' && eta === 0;
}

export interface OpenRow extends RowPlan {
  drafters: LocalDrafters | null;
  decoder: Decoder;
}

/** Each row has drafters and a scheduler of its own, which learn from its answers alone. */
export function openRow(plan: RowPlan, engine: OrtEngine, network: Network): OpenRow {
  const drafters = draftersOf(plan, network);
  const nucleus = new Nucleus(engine.limits.vocabSize);
  const decoder = new Decoder(shared(engine), nucleus, nodeClock, drafters);
  return { ...plan, drafters, decoder };
}

function draftersOf({ drafts, eta, always }: RowPlan, network: Network): LocalDrafters | null {
  if (drafts === 'nothing') return null;
  if (drafts === 'echo') return new Echoes();
  // A turn that is moved asks before every step by itself.
  return new NetworkedDrafters(network, nodeClock, always && eta === 0 ? { always: CHAIN } : {});
}
