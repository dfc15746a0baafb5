import type { DataOf, healthContract } from '@downbeat/contracts';
import { isDown, isFailing, type InstanceCounts } from './instance-counts';

export type InheritedFailure = NonNullable<
  DataOf<typeof healthContract.instanceHealthChanged>['inherited']
>;

/** A failure that began elsewhere, and whether it is why this one fails. */
export interface Inherited extends InheritedFailure {
  readonly isToBlame: boolean;
}

/** A service that another one needs. */
export interface Needed extends InstanceCounts {
  /** Since when no instance of it is healthy. */
  readonly downSinceMs?: number | undefined;
}

/** An instance that fails. */
export interface Failing {
  readonly unhealthySinceMs: number;
  /** Between two of its checks: what happened within it happened at once, as far as they can tell. */
  readonly intervalMs: number;
}

/**
 * Whether a service is why one fails that needs it: its own instances fail, or it was down before. Being
 * scaled to nothing later made nobody ill who was ill already.
 */
export function isToBlame(
  needed: Needed | undefined,
  { unhealthySinceMs, intervalMs }: Failing,
): boolean {
  if (!isDown(needed)) return false;
  const { downSinceMs = Infinity } = needed;
  return isFailing(needed) || downSinceMs <= unhealthySinceMs + intervalMs;
}

export const isSameFailure = (
  one: InheritedFailure | undefined,
  other: InheritedFailure | undefined,
): boolean => one?.path.join(' ') === other?.path.join(' ');
