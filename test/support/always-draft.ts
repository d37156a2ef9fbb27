/** Whether drafts pay on the machine of a test, at its hour, is not what most tests ask. */
import { afterAll, beforeAll, type MockInstance, vi } from 'vitest';
import { TreeSizing } from '../../gpu-backend/turn/tree-sizing.ts';

const PRELOAD = new URL('./always-draft.preload.ts', import.meta.url).href;

/**
 * All verifiers of this process draft for each turn that may be drafted for while the
 * file's tests run. Call it at the top of the file, and give engines free nodes
 * (`withFreeNodes`), so that some are worth their price.
 */
export function alwaysDraft(): void {
  let spy: MockInstance<TreeSizing['drafting']>;
  beforeAll(() => {
    spy = vi.spyOn(TreeSizing.prototype, 'drafting');
    spy.mockImplementation((sessions) => sessions.map(({ isDrafted }) => isDrafted));
  });
  afterAll(() => spy.mockRestore());
}

/**
 * The same for verifiers that run as processes of their own, whose nodes are free. Call it
 * before the `beforeAll` that starts one.
 */
export function startedOnesAlwaysDraft(): void {
  beforeAll(() => {
    vi.stubEnv('NODE_OPTIONS', `--import tsx --import ${PRELOAD}`);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });
}
