import { epochMs, type Instant } from '@downbeat/eventsourcing';
import type { BreakerSettings } from './breaker-control';
import { isCurrent, type Holders, type HolderState } from './holders';

/** What is known of a breaker besides what happened by the hour. */
export interface KnownBreaker {
  readonly settings: BreakerSettings | null;
  readonly holders: Holders;
  readonly created_at: Instant;
}

/** How a breaker is at a moment, over all who hold it. */
export interface BreakerStanding {
  readonly current_state: HolderState['state'];
  readonly mode: HolderState['mode'];
  readonly failure_count: number;
  readonly success_count: number;
  readonly failure_threshold: number;
  readonly success_threshold: number;
  readonly timeout_duration: number;
  readonly last_failure_at?: string;
  readonly state_changed_at: string;
  readonly next_attempt_at?: string;
  readonly state_duration_seconds: number;
  readonly holders: number;
}

const WORST = ['open', 'half_open', 'closed'] as const;

/** The worst of those who hold it now; closed when nobody does. */
export function breakerStandingOf(
  { settings, holders, created_at }: KnownBreaker,
  momentMs: number,
): BreakerStanding {
  const all = Object.values(holders);
  const current = all.filter((one) => isCurrent(one, momentMs)).sort(worstFirst);
  const [worst] = current;
  const newest = all.reduce<HolderState | undefined>(newer, undefined);
  const shown = worst ?? newest;
  const changedAt = (worst ? worst.since : lastWordOf(newest)) ?? created_at;
  const lastFailureAt = all.map((one) => one.last_failure_at ?? '').reduce(later, '');
  return {
    current_state: worst?.state ?? 'closed',
    mode: worst?.mode ?? 'automatic',
    failure_count: worst?.failure_count ?? 0,
    success_count: worst?.success_count ?? 0,
    failure_threshold: shown?.failure_threshold ?? settings?.failure_threshold ?? 0,
    success_threshold: shown?.success_threshold ?? settings?.success_threshold ?? 0,
    timeout_duration: shown?.timeout_duration ?? settings?.timeout_duration ?? 0,
    ...(lastFailureAt !== '' && { last_failure_at: lastFailureAt }),
    state_changed_at: changedAt,
    ...(worst?.next_attempt_at !== undefined && { next_attempt_at: worst.next_attempt_at }),
    state_duration_seconds: Math.max(0, momentMs - epochMs(changedAt as Instant)) / 1_000,
    holders: current.length,
  };
}

/** What is forced comes before what is not; of the same kind who changed last. */
function worstFirst(one: HolderState, other: HolderState): number {
  const byState = WORST.indexOf(one.state) - WORST.indexOf(other.state);
  if (byState !== 0) return byState;
  const byMode = Number(one.mode === 'automatic') - Number(other.mode === 'automatic');
  if (byMode !== 0) return byMode;
  return (one.since ?? '') < (other.since ?? '') ? 1 : -1;
}

const newer = (one: HolderState | undefined, other: HolderState): HolderState =>
  one && one.reported_at >= other.reported_at ? one : other;

const later = (one: string, other: string): string => (one > other ? one : other);

/** Nobody holds it any more: it was closed when its last holder left, if it was not before. */
function lastWordOf(holder: HolderState | undefined): string | undefined {
  return holder?.state === 'closed' ? holder.since : holder?.reported_at;
}
