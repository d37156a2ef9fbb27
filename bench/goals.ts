/** What something set out to reach, and whether a run reached it. */
export interface Goal {
  goal: string;
  /** What the run gave. */
  value: number;
  /** The least that is wanted, or the most. */
  least?: number;
  most?: number;
  met: boolean;
}

export function atLeast(goal: string, value: number, least: number): Goal {
  return { goal, value, least, met: value >= least };
}

export function atMost(goal: string, value: number, most: number): Goal {
  return { goal, value, most, met: value <= most };
}

export function printGoals(goals: readonly Goal[], print: (line: string) => void): void {
  print('Goals');
  for (const { goal, value, least, most, met } of goals) {
    const wanted = least === undefined ? `at most ${most}` : `at least ${least}`;
    print(`${met ? 'met   ' : 'MISSED'}  ${goal}: ${Number(value.toPrecision(4))} (${wanted})`);
  }
}
