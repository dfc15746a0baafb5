import { epochMs, type Instant } from '@downbeat/eventsourcing';
import type { BreakersCounted, BreakerTransitioned, CallsOfBreaker } from './breaker-reports';

export interface RecordedTransition extends Pick<
  BreakerTransitioned['data'],
  'at' | 'from' | 'to' | 'mode' | 'cause'
> {
  readonly holder: string;
  readonly until?: string | undefined;
}

/** Calls of one minute, of all who hold the breaker. */
export interface MinuteCounts {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
  readonly refused: number;
  /** The longest row of failures in any holder. */
  readonly in_a_row: number;
  /** 60, unless a holder had to wait so long to be heard that it merged its minutes. */
  readonly seconds: number;
}

/** What is recorded of one breaker and one hour. */
export interface RecordedHour {
  readonly hour: Instant;
  /** By the minute of the hour, 0 to 59. */
  readonly minutes: Readonly<Record<string, MinuteCounts>>;
  readonly transitions: readonly RecordedTransition[];
  /** Transitions for which there was no room. */
  readonly left_out: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Eight days: every window of a week is whole. */
export const HOURS_KEPT = 192;
const TRANSITIONS_MAX = 500;

export const hourOf = (instant: string): number => Math.floor(Date.parse(instant) / HOUR_MS);

/** Hours are kept in a ring: the same place serves again after eight days. */
export const slotOf = (breakerId: string, hour: number): string =>
  `${breakerId}:${hour % HOURS_KEPT}`;

/** The hour in its place of the ring: the one there is, or a new one. Undefined: it is too old by now. */
function entered(row: RecordedHour | undefined, hour: number): RecordedHour | undefined {
  const there = row && hourOf(row.hour);
  if (there === hour) return row;
  if (there !== undefined && there > hour) return undefined;
  const instant = new Date(hour * HOUR_MS).toISOString() as Instant;
  return { hour: instant, minutes: {}, transitions: [], left_out: 0 };
}

/** @returns The hour as it was when the transition is too old for it. */
export function withTransition(
  row: RecordedHour | undefined,
  { data }: { readonly data: BreakerTransitioned['data'] },
): RecordedHour | undefined {
  const hour = entered(row, hourOf(data.at));
  if (!hour) return row;
  if (hour.transitions.length >= TRANSITIONS_MAX) return { ...hour, left_out: hour.left_out + 1 };
  const { at, from, to, mode, cause, holder, until } = data;
  const transition = { at, from, to, mode, cause, holder, ...(until !== undefined && { until }) };
  return { ...hour, transitions: [...hour.transitions, transition] };
}

/** Of one breaker, the calls that belong into this place of the ring. */
export function withCalls(
  row: RecordedHour | undefined,
  breakers: BreakersCounted['data']['breakers'],
  slot: string,
): RecordedHour | undefined {
  let hour = row;
  for (const { breaker_id, calls } of breakers)
    for (const one of calls)
      if (slotOf(breaker_id, hourOf(one.from)) === slot) hour = withInterval(hour, one);
  return hour;
}

function withInterval(
  row: RecordedHour | undefined,
  { from, seconds, calls, failures, slow, refused, failures_in_a_row }: CallsOfBreaker,
): RecordedHour | undefined {
  const hour = entered(row, hourOf(from));
  if (!hour) return row;
  const minute = String(new Date(from).getUTCMinutes());
  const known = hour.minutes[minute];
  const now: MinuteCounts = {
    calls: (known?.calls ?? 0) + calls,
    failures: (known?.failures ?? 0) + failures,
    slow: (known?.slow ?? 0) + slow,
    refused: (known?.refused ?? 0) + refused,
    in_a_row: Math.max(known?.in_a_row ?? 0, failures_in_a_row),
    seconds: Math.max(known?.seconds ?? 0, seconds),
  };
  return { ...hour, minutes: { ...hour.minutes, [minute]: now } };
}

/** A minute with its beginning, in milliseconds since 1970. */
export interface DatedMinute extends MinuteCounts {
  readonly fromMs: number;
}

/** The minutes that begin in a stretch of time, oldest first. */
export function minutesOf(
  hours: readonly RecordedHour[],
  fromMs: number,
  toMs: number,
): readonly DatedMinute[] {
  return hours
    .flatMap(({ hour, minutes }) =>
      Object.entries(minutes).map(([minute, counts]) => ({
        ...counts,
        fromMs: epochMs(hour) + Number(minute) * MINUTE_MS,
      })),
    )
    .filter((one) => one.fromMs >= fromMs && one.fromMs <= toMs)
    .sort((one, other) => one.fromMs - other.fromMs);
}

/** All transitions up to a moment, oldest first. */
export const transitionsOf = (
  hours: readonly RecordedHour[],
  toMs: number,
): readonly RecordedTransition[] =>
  hours
    .flatMap(({ transitions }) => transitions)
    .filter(({ at }) => Date.parse(at) <= toMs)
    .sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
