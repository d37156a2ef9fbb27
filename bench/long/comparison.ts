/** What memory brings to a document, phase by phase. */
import { type Draft, PHASES, type Phase } from './document.ts';

interface PhaseFigures {
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
  phases: Record<Phase, PhaseFigures>;
}

export function compareDrafts(without: Draft, withMemory: Draft): Comparison {
  const phases = PHASES.map((phase) => {
    const [a, b] = [without.phases[phase], withMemory.phases[phase]];
    const figures: PhaseFigures = {
      without: a.tokens / a.steps,
      withMemory: b.tokens / b.steps,
      fewerSteps: 1 - b.steps / a.steps,
    };
    return [phase, figures] as const;
  });
  const longer = Math.max(without.texts.length, withMemory.texts.length);
  const places = Array.from({ length: longer }, (_, i) => i);
  return {
    length: without.length,
    different: places.filter((i) => without.texts[i] !== withMemory.texts[i]).length,
    phases: Object.fromEntries(phases) as Comparison['phases'],
  };
}

export function linesOf({ length, different, phases }: Comparison): string[] {
  return [
    `a document of ${length} tokens`,
    'phase     tokens a step: without memory, with; fewer steps',
    ...PHASES.map((phase) => {
      const { without, withMemory, fewerSteps } = phases[phase];
      const steps = `${(100 * fewerSteps).toFixed(0)} %`;
      return `${phase.padEnd(9)} ${without.toFixed(2)}, ${withMemory.toFixed(2)}; ${steps}`;
    }),
    `texts that differ: ${different}`,
  ];
}
