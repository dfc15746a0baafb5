import type { Holders } from './holders';
import { stretchesIn } from './outages';
import {
  minutesOf,
  transitionsOf,
  type RecordedHour,
  type RecordedTransition,
} from './recorded-hours';

const DAY_MS = 86_400_000;
const HOURS = 24;
const HISTORY_MAX = 500;

/** What a breaker did, and what was called through it, in a day. */
export interface LastDay {
  readonly calls: number;
  readonly failures: number;
  readonly refused: number;
  /** From one state to another, in any who hold it. */
  readonly stateChanges: number;
  readonly averageOutageMinutes: number;
  /** Oldest first, the newest 500. */
  readonly history: readonly RecordedTransition[];
  /** By hour of the day in UTC, all 24 of them. */
  readonly byHour: readonly { readonly calls: number; readonly failures: number }[];
}

/** The 24 hours that end with a moment. An outage counts whole when some of it lies in them. */
export function lastDayOf(
  hours: readonly RecordedHour[],
  holders: Holders,
  momentMs: number,
): LastDay {
  const fromMs = momentMs - DAY_MS;
  const all = transitionsOf(hours, momentMs);
  const minutes = minutesOf(hours, fromMs, momentMs);
  const outages = stretchesIn(['open', 'half_open'], all, holders, momentMs).filter(
    ({ toMs }) => toMs >= fromMs,
  );
  const outageMs = outages.reduce((sum, one) => sum + one.toMs - one.fromMs, 0);
  const history = all.filter(({ at }) => Date.parse(at) >= fromMs);
  const byHour = Array.from({ length: HOURS }, () => ({ calls: 0, failures: 0 }));
  for (const { fromMs: minuteMs, calls, failures } of minutes) {
    const hour = byHour[new Date(minuteMs).getUTCHours()];
    if (!hour) continue;
    hour.calls += calls;
    hour.failures += failures;
  }
  return {
    calls: minutes.reduce((sum, { calls }) => sum + calls, 0),
    failures: minutes.reduce((sum, { failures }) => sum + failures, 0),
    refused: minutes.reduce((sum, { refused }) => sum + refused, 0),
    stateChanges: history.filter(({ from, to }) => from !== to).length,
    averageOutageMinutes: outages.length === 0 ? 0 : outageMs / outages.length / 60_000,
    history: history.slice(-HISTORY_MAX),
    byHour,
  };
}
