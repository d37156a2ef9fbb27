/**
 * What a step costs, C(rows, batch, context): measured when the engine opens,
 * corrected by every step since. The form follows the work: linear layers cost
 * by rows in all, attention by rows and context of each session, and every
 * further session adds its operators.
 */

/** Row counts that are measured; between them costs are interpolated. */
export const MEASURED_ROWS = [1, 2, 4, 8, 16, 32, 64, 128] as const;
/** The weight of one new step in the running correction. */
const SMOOTHING = 0.05;
/** A single step can be this much slower than expected before it is taken for a hiccup of the machine. */
const MAX_RATIO = 4;
/** Share of a one-row step that a further session's operators take, before any was measured. */
const SESSION_SHARE = 0.15;

/** Milliseconds of one-session steps by `MEASURED_ROWS`, at two lengths of context. */
export interface CostSamples {
  shortContext: number;
  longContext: number;
  short: number[];
  long: number[];
}

export class CostCurve {
  private readonly samples: CostSamples;
  /** Observed over expected, by batch size and row class; 1 until observed. */
  private readonly corrections = new Map<number, Float64Array>();

  constructor(samples: CostSamples) {
    this.samples = samples;
  }

  /** Expected milliseconds. */
  cost(rows: number, batch: number, context: number): number {
    const correction = this.corrections.get(batch)?.[rowClass(rows)] ?? 1;
    return this.expected(rows, batch, context) * correction;
  }

  /** Takes in what a step took. */
  observe(rows: number, batch: number, context: number, milliseconds: number): void {
    const ratio = milliseconds / this.expected(rows, batch, context);
    const corrections = this.corrections.get(batch) ?? this.firstCorrections(batch);
    const at = rowClass(rows);
    const known = corrections[at]!;
    const bounded = Math.min(known * MAX_RATIO, Math.max(known / MAX_RATIO, ratio));
    corrections[at] = known + SMOOTHING * (bounded - known);
  }

  private firstCorrections(batch: number): Float64Array {
    const made = new Float64Array(MEASURED_ROWS.length).fill(1);
    this.corrections.set(batch, made);
    return made;
  }

  private expected(rows: number, batch: number, context: number): number {
    const { shortContext, longContext, short, long } = this.samples;
    const each = Math.max(1, rows / batch);
    const perToken = (at: number) =>
      Math.max(0, interpolate(long, at) - interpolate(short, at)) / (longContext - shortContext);
    const linear = Math.max(0, interpolate(short, rows) - shortContext * perToken(rows));
    const sessions = (batch - 1) * SESSION_SHARE * short[0]!;
    return linear + sessions + batch * context * perToken(each);
  }
}

function rowClass(rows: number): number {
  let at = 0;
  while (at + 1 < MEASURED_ROWS.length && MEASURED_ROWS[at + 1]! <= rows) at++;
  return at;
}

/** Piecewise linear; beyond the last point it goes on as between the last two. */
function interpolate(values: readonly number[], rows: number): number {
  const at = Math.min(rowClass(rows), values.length - 2);
  const from = MEASURED_ROWS[at]!;
  const to = MEASURED_ROWS[at + 1]!;
  const low = values[at]!;
  return low + ((rows - from) / (to - from)) * (values[at + 1]! - low);
}
