/**
 * What asking a network about a node will bring: the chance that the token after it is
 * drafted then and would not be otherwise, given that the target gets to the node.
 * A logistic predictor over what is known before asking, as SpecDec++ (2405.19715)
 * stops by a learned prediction of acceptance; it learns from every outcome, and in
 * place of the paper's trained head it has six weights.
 */

/** What is known of a node before it is asked about. */
export interface Prospect {
  /** Of what may follow the node, the share that the tree has nodes for already. */
  covered: number;
  /** Probability of the node given its parent. */
  likely: number;
  /** Of the tokens that the network named at its parent, in nats; null where it said nothing. */
  entropy: number | null;
  /** 0 at the committed text. */
  depth: number;
}

const FEATURES = 6;
/** A start that believes half of what is open: [bias, open, likely, entropy, silent, depth]. */
const FIRST_WEIGHTS = [-1, 1.5, 0.5, -0.3, 0, -0.1] as const;
const LEARNING_RATE = 0.1;
/** Initial sum of squared gradients (AdaGrad), so that first outcomes move little. */
const FIRST_ENERGY = 1;
const DEPTH_SCALE = 4;

export class Gain {
  private readonly weights = Float64Array.from(FIRST_WEIGHTS);
  private readonly energy = new Float64Array(FEATURES).fill(FIRST_ENERGY);

  /** In tokens of a step that gets to the node. */
  expected(prospect: Prospect): number {
    const x = features(prospect);
    let logit = 0;
    for (let i = 0; i < FEATURES; i++) logit += this.weights[i]! * x[i]!;
    return 1 / (1 + Math.exp(-logit));
  }

  /**
   * The target got to the node.
   * @param brought whether the network named the token that came, and nothing else had drafted it
   */
  learn(prospect: Prospect, brought: boolean): void {
    const x = features(prospect);
    const error = (brought ? 1 : 0) - this.expected(prospect);
    for (let i = 0; i < FEATURES; i++) {
      const gradient = error * x[i]!;
      this.energy[i]! += gradient * gradient;
      this.weights[i]! += (LEARNING_RATE * gradient) / Math.sqrt(this.energy[i]!);
    }
  }
}

function features({ covered, likely, entropy, depth }: Prospect): number[] {
  return [1, 1 - covered, likely, entropy ?? 0, entropy === null ? 1 : 0, depth / DEPTH_SCALE];
}
