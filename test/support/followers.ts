import type { BlendDrafter } from '../../src/draft/blend/blend.ts';
import { Evidence } from '../../src/draft/blend/evidence.ts';

/** What stores name after the end of the answer because of what stands there; not what their texts say often. */
export function followersOf({ stores }: BlendDrafter): Set<number> {
  const evidence = new Evidence();
  evidence.wantsCommon = false;
  stores.forEach((store, i) => {
    store.gather(0, evidence, i);
  });
  evidence.checkIntegrity();
  return new Set(evidence.token.subarray(0, evidence.firstFollower[evidence.contexts]));
}
