/**
 * The trees that may follow what a session has committed: those the worker
 * streamed in, kept as one standing tree that is re-rooted as tokens commit,
 * and the echo's, drawn here from prompt and output. Each step verifies the
 * best nodes of both, as many as the cost of a step warrants.
 */
import { SessionDrafter } from '../src/draft/session.ts';
import { TokenTree } from '../src/draft/tree.ts';
import { decodeTree } from '../src/link/frames/index.ts';
import { MAX_VERIFIED_NODES, type Turn } from './admit.ts';

/** Tree frames a worker may have outstanding. A round trip's worth of steps; bounds what a peer can make us do. */
export const TREE_CREDIT = 8;
