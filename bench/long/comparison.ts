/** What memory brings to a document, phase by phase and over the whole. */
import { type Draft, PHASES, type Phase } from './document.ts';

interface Figures {
  /** Tokens a step, without memory and with it. */
  without: number;
  withMemory: number;
  /** Share of the steps that memory saves; negative where it costs some. */
  fewerSteps: number;
}

export interface Comparison {
  /** Tokens of the document. */
  length: number;
  /** Texts that differ: none may. */
  different: number;
  phases: Record<Phase, Figures>;
  /** All phases together. */
  whole: Figures;
}

interface Counts {
  tokens: number;
  steps: number;
}

function figuresOf(without: Counts, withMemory: Counts): Figures {
  return {
    without: without.tokens / without.steps,
    withMemory: withMemory.tokens / withMemory.steps,
    fewerSteps: 1 - withMemory.steps / without.steps,
  };
}

function wholeOf({ phases }: Draft): Counts {
  const sum = { tokens: 0, steps: 0 };
  for (const phase of PHASES) {
    sum.tokens += phases[phase].tokens;
    sum.steps += phases[phase].steps;
  }
  return sum;
}

export function compareDrafts(without: Draft, withMemory: Draft): Comparison {
  const phases = PHASES.map(
    (phase) => [phase, figuresOf(without.phases[phase], withMemory.phases[phase])] as const,
  );
  const longer = Math.max(without.texts.length, withMemory.texts.length);
  const places = Array.from({ length: longer }, (_, i) => i);
  return {
    length: without.length,
    different: places.filter((i) => without.texts[i] !== withMemory.texts[i]).length,
    phases: Object.fromEntries(phases) as Comparison['phases'],
    whole: figuresOf(wholeOf(without), wholeOf(withMemory)),
  };
}

export function linesOf({ length, different, phases, whole }: Comparison): string[] {
  return [
    `a document of ${length} tokens`,
    'phase     tokens a step: without memory, with; fewer steps',
    ...Object.entries({ ...phases, whole }).map(([name, { without, withMemory, fewerSteps }]) => {
      const steps = `${(100 * fewerSteps).toFixed(0)} %`;
      return `${name.padEnd(9)} ${without.toFixed(2)}, ${withMemory.toFixed(2)}; ${steps}`;
    }),
    `texts that differ: ${different}`,
  ];
}
