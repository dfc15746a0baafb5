import { epochMs, type Instant } from '@downbeat/eventsourcing';
import type { BreakersCounted, CountedBreaker } from './breaker-reports';

type Done = CountedBreaker['orders_done'][number];

/** A breaker as one process holds it, as it said last. */
export interface HolderState {
  readonly state: CountedBreaker['state'];
  readonly mode: CountedBreaker['mode'];
  readonly since?: string | undefined;
  readonly next_attempt_at?: string | undefined;
  readonly last_failure_at?: string | undefined;
  readonly failure_count: number;
  readonly success_count: number;
  readonly failure_threshold: number;
  readonly success_threshold: number;
  readonly timeout_duration: number;
  readonly follows?: string | undefined;
  readonly reported_at: Instant;
  readonly is_leaving: boolean;
  /** Of all its reports. */
  readonly transitions_lost: number;
  /** The newest order that it has carried out, of each breaker or rule it takes orders for. */
  readonly orders_done: readonly Done[];
}

/** By name. */
export type Holders = Readonly<Record<string, HolderState>>;

const HOUR_MS = 3_600_000;
/** Whoever is not closed says so every minute. */
const CURRENT_MS = 180_000;
/** Whoever is closed says so every five. */
const CURRENT_WHEN_CLOSED_MS = 600_000;
const FORGOTTEN_AFTER_MS = 24 * HOUR_MS;
/** Each report writes all of them again: some 100 kB, when it is so many. */
const HOLDERS_MAX = 256;
const DONE_MAX = 20;

/** Those who hold a breaker, after one of them has reported. */
export function afterReport(
  before: Holders,
  { holder, is_leaving, reported_at }: BreakersCounted['data'],
  counted: CountedBreaker,
): Holders {
  const {
    breaker_id: _,
    service_name: _s,
    target_service: _t,
    endpoint_pattern: _p,
    ...said
  } = counted;
  const { calls: _c, transitions_lost, orders_done, ...state } = said;
  const known = before[holder];
  const now: HolderState = {
    ...state,
    reported_at,
    is_leaving,
    transitions_lost: (known?.transitions_lost ?? 0) + transitions_lost,
    orders_done: doneOf([...(known?.orders_done ?? []), ...orders_done]),
  };
  return pruned({ ...before, [holder]: now }, epochMs(reported_at));
}

/** Whether a holder counts: a process that is gone neither keeps a breaker open nor owes anything. */
export function isCurrent(holder: HolderState, momentMs: number): boolean {
  if (holder.is_leaving) return false;
  const silentMs = momentMs - epochMs(holder.reported_at);
  return silentMs <= (isPlain(holder) ? CURRENT_WHEN_CLOSED_MS : CURRENT_MS);
}

/** Of each breaker or rule the newest. */
function doneOf(all: readonly Done[]): readonly Done[] {
  const newest = new Map<string, Done>();
  for (const done of all) {
    const known = newest.get(done.breaker_id);
    if (!known || known.order_no < done.order_no) newest.set(done.breaker_id, done);
  }
  return [...newest.values()].slice(-DONE_MAX);
}

const isPlain = ({ state, mode }: HolderState): boolean =>
  state === 'closed' && mode === 'automatic';

/** Whoever keeps a breaker open is kept before who has nothing to say, and who is there before who is not. */
function rankOf(holder: HolderState, momentMs: number): number {
  if (isCurrent(holder, momentMs)) return isPlain(holder) ? 1 : 0;
  return holder.is_leaving ? 3 : 2;
}

function pruned(holders: Holders, nowMs: number): Holders {
  const kept = Object.entries(holders)
    .filter(([, { reported_at }]) => nowMs - epochMs(reported_at) <= FORGOTTEN_AFTER_MS)
    .map((entry) => ({ entry, rank: rankOf(entry[1], nowMs), at: epochMs(entry[1].reported_at) }))
    .sort((one, other) => one.rank - other.rank || other.at - one.at);
  return Object.fromEntries(kept.slice(0, HOLDERS_MAX).map(({ entry }) => entry));
}
