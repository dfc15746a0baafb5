import type { AlertMetric } from './words';

/** One number that was measured. Not an event: it is forgotten (ADR 0006). */
export interface Sample {
  readonly metric: AlertMetric;
  readonly subject: string;
  readonly service_name?: string;
  readonly value: number;
  /** Path of the API that shows what it is about. */
  readonly view?: string;
  /** Said with the value, for people. */
  readonly detail?: string;
}

/** What something may be measured of. */
export type Measurable = Pick<Sample, 'metric' | 'subject' | 'service_name'>;

/** What was measured at one time, and what could not be: of that nothing is known, which is not the same as nothing. */
export interface Measured {
  readonly samples: readonly Sample[];
  readonly metrics: ReadonlySet<AlertMetric>;
  /** Not all was heard of it, or nothing: a condition that holds does, of one that does not nobody knows. */
  readonly isUncertain?: (of: Measurable) => boolean;
}

export const SAMPLES_MAX = 20_000;

/** Put together from several sources. */
export function together(parts: readonly Measured[]): Measured {
  const samples = parts.flatMap((part) => part.samples);
  return {
    samples: samples.slice(0, SAMPLES_MAX),
    metrics: new Set(parts.flatMap(({ metrics }) => [...metrics])),
    isUncertain: (of) =>
      samples.length > SAMPLES_MAX || parts.some(({ isUncertain }) => isUncertain?.(of)),
  };
}

export const nothingMeasured: Measured = { samples: [], metrics: new Set() };
