/** One object: adds up what workers everywhere observe. */
export interface MetricsObject {
  add(observations: readonly Observed[]): Promise<void>;
  /** The totals in Prometheus' text format, with the gauges as they are now. */
  expose(gauges: readonly Observed[]): Promise<string>;
}

interface Observed {
  /** Of a metric that `meter` knows. */
  name: string;
  /** Few values each: no ids, no names of users. */
  labels?: Record<string, string>;
  value: number;
}
