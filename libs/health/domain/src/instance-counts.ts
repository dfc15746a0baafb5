/** How many instances of a service stand how; those that are going away are not counted. */
export interface InstanceCounts {
  readonly healthy: number;
  readonly unhealthy: number;
  readonly starting: number;
}

/** @param counts Undefined: it never had an instance, and nobody can say that it is down. */
export const isDown = (counts: InstanceCounts | undefined): counts is InstanceCounts =>
  counts?.healthy === 0;

/** It is down, and not for want of instances alone. */
export const isFailing = (counts: InstanceCounts | undefined): counts is InstanceCounts =>
  isDown(counts) && counts.unhealthy > 0;
