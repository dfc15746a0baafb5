import type { Measured } from '@downbeat/observability-domain';

/** How everything is now, as far as anybody can say. */
export abstract class Measurements {
  abstract measure(): Promise<Measured>;
}

/** One place that numbers come from. */
export interface Source {
  readonly name: string;
  /** Throws when nothing can be said: nothing is known of its metrics then. */
  readonly measure: () => Promise<Measured>;
}
