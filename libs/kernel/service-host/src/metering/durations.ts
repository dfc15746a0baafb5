import { Histogram, type Registry } from 'prom-client';
import { exemplarOf } from './exemplar';

/** Seconds, for what takes from a millisecond to ten seconds. */
export const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface DurationsOf<Label extends string> {
  /** `downbeat_command_duration_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
  /** Default: {@link SECONDS}. */
  readonly buckets?: readonly number[];
}

/** How long things took, each with its trace as an example of its bucket. */
export class Durations<Label extends string> {
  private readonly histogram: Histogram;

  constructor(
    registry: Registry,
    { name, help, labelNames, buckets = SECONDS }: DurationsOf<Label>,
  ) {
    this.histogram = new Histogram({
      // Registered below: prom-client refuses exemplars in a registry whose own format has none.
      registers: [],
      name,
      help,
      labelNames,
      buckets: [...buckets],
      enableExemplars: true,
    });
    registry.registerMetric(this.histogram);
  }

  /** @param traceparent Default: that of the running story. */
  tookMs(labels: Readonly<Record<Label, string>>, ms: number, traceparent?: string): void {
    const exemplarLabels = exemplarOf(traceparent);
    this.histogram.observe({ labels, value: ms / 1_000, exemplarLabels });
  }
}
