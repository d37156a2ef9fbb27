/** The rows of `bench:rapid`: what the target reads in each, and what drafts for it. */
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import { Echoes } from '../../gpu-backend/drafters/echoes.ts';
import type { LocalDrafters } from '../../gpu-backend/drafters/local-drafters.ts';
import type { Network } from '../../gpu-backend/drafters/network.ts';
import { NetworkedDrafters } from '../../gpu-backend/drafters/networked-drafters.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import { Decoder } from '../drafters/decode.ts';
import { changed, shared } from '../drafters/free-nodes.ts';

/** So small that it moves no logit, but the network is asked before every step, as at any η above 0. */
const NO_MOVE = 1e-12;

export interface RowPlan {
  name: string;
  /** What the target reads: the document, or the passages that were found in it. */
  reads: 'all' | 'passages';
  /** What drafts: nothing, the echo, or with it the target's own weights over the passages. */
  drafts: 'nothing' | 'echo' | 'self';
  /** η of the transfer; null where the network is asked where it pays. */
  eta: number | null;
}

/** @param etas of the transfer; at 0 RAPID is lossless */
export function rowsOf(etas: readonly number[]): RowPlan[] {
  const all = { reads: 'all', eta: null } as const;
  return [
    { ...all, name: 'target', drafts: 'nothing' },
    { ...all, name: 'rag', drafts: 'nothing', reads: 'passages' },
    { ...all, name: 'echo', drafts: 'echo' },
    { ...all, name: 'rapid where it pays', drafts: 'self' },
    ...etas.map((eta) => ({ ...all, name: `rapid ${eta}`, drafts: 'self' as const, eta })),
  ];
}

/** Whether the row's text is the target's over the whole document, token for token. */
export function isLossless({ reads, eta }: RowPlan): boolean {
  return reads === 'all' && !eta;
}

/** What a turn of the row asks for. */
export function transferOf({ eta }: RowPlan): number {
  return eta === null ? 0 : Math.max(eta, NO_MOVE);
}

export interface OpenRow extends RowPlan {
  drafters: LocalDrafters | null;
  decoder: Decoder;
}

/** Each row has drafters and a scheduler of its own, which learn from its answers alone. */
export function openRow(plan: RowPlan, engine: OrtEngine, network: Network): OpenRow {
  const drafters = draftersOf(plan, apart(network, plan.name));
  const nucleus = new Nucleus(engine.limits.vocabSize);
  const decoder = new Decoder(shared(engine), nucleus, nodeClock, drafters ?? undefined);
  return { ...plan, drafters, decoder };
}

/** The network with a cache of the row's own: each reads what it reads itself. */
function apart(network: Network, row: string): Network {
  return changed(network, { enter: (tokens, most) => network.enter(tokens, most, row) });
}

function draftersOf({ drafts }: RowPlan, network: Network): LocalDrafters | null {
  if (drafts === 'nothing') return null;
  if (drafts === 'echo') return new Echoes();
  return new NetworkedDrafters([network], nodeClock);
}
