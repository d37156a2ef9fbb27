/** Whether drafts pay on the machine of a test, at its hour, is not what most tests ask. */
import { vi } from 'vitest';
import { withFreeNodes } from '../../bench/drafters/free-nodes.ts';
import { TreeSizing } from '../../gpu-backend/turn/tree-sizing.ts';
import type { RealVerifierOptions } from './real-verifier.ts';

/**
 * For a verifier that drafts for each turn that may be drafted for, as if nodes cost
 * nothing: until `vi.restoreAllMocks`, for all verifiers of this process.
 */
export function alwaysDrafts(): Pick<RealVerifierOptions, 'wrap'> {
  vi.spyOn(TreeSizing.prototype, 'drafting').mockImplementation((sessions) =>
    sessions.map(({ isDrafted }) => isDrafted),
  );
  return { wrap: withFreeNodes };
}
