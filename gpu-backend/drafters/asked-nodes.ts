/** What was known of nodes when a network was asked about them, against what came: so the predictor of gains learns. */
import type { ModelNode } from '../../src/draft/stores/model-store.ts';
import type { TokenTree } from '../../src/draft/tree/tree.ts';
import type { Gain, Prospect } from './gain.ts';
import { childrenOf } from './prospect.ts';

/** Tokens that the network names first, which count as drafted, when it is judged by what came. */
const DRAFTED_TOKENS = 2;

/** Of a node, and which tokens after it were drafted already. */
interface Asked {
  prospect: Prospect;
  drafted: ReadonlySet<number>;
}

export class AskedNodes {
  private readonly asked = new Map<ModelNode, Asked>();

  /** @param index of the node in `look` */
  note(node: ModelNode, look: TokenTree, index: number, prospect: Prospect): void {
    const drafted = new Set<number>();
    for (const child of childrenOf(look, index)) drafted.add(look.tokens[child]!);
    this.asked.set(node, { prospect, drafted });
  }

  /** `tokens` came after `root`. */
  judge(root: ModelNode, tokens: Int32Array, gain: Gain): void {
    let node: ModelNode | undefined = root;
    for (let i = 0; i < tokens.length && node; i++) {
      const token = tokens[i]!;
      const asked = this.asked.get(node);
      if (asked && node.says) {
        const named = node.says.tokens.subarray(0, DRAFTED_TOKENS).includes(token);
        gain.learn(asked.prospect, named && !asked.drafted.has(token));
      }
      node = node.children.get(token);
    }
  }

  clear(): void {
    this.asked.clear();
  }
}
