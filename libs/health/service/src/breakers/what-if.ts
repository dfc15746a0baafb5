import {
  minutesOf,
  stretchesIn,
  transitionsOf,
  type DatedMinute,
  type Holders,
  type RecordedHour,
  type Stretch,
} from '@downbeat/health-domain';
import { CircuitBreaker, type BreakerPolicy, type Transition } from '@downbeat/resilience';
import { laidOut } from './laid-out-calls';

/** What is replayed, and against what. */
export interface WhatIf {
  readonly hours: readonly RecordedHour[];
  readonly holders: Holders;
  readonly policy: BreakerPolicy;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface RefusedMinute {
  readonly fromMs: number;
  readonly seconds: number;
  readonly calls: number;
  readonly failures: number;
}

export interface Course {
  readonly minutes: readonly DatedMinute[];
  /** When the recorded breaker was not closed, within the time. */
  readonly recorded: readonly Stretch[];
  /** When the other one would not have been. */
  readonly simulated: readonly Stretch[];
  readonly transitions: readonly Transition[];
  readonly refused: readonly RefusedMinute[];
  readonly callsReplayed: number;
  readonly isComplete: boolean;
}

const CALLS_MAX = 1_000_000;
/** Others have a turn after so many. */
const CALLS_PER_TURN = 50_000;
/** No jitter: half of what chance could do. */
const EVEN_CHANCE = (): number => 0.5;
const SLOW_MS = Number.MAX_SAFE_INTEGER;
const NOT_CLOSED = ['open', 'half_open'] as const;

/** Makes the recorded calls go through a breaker with another policy. The recorded one is not touched. */
export async function courseOf(
  { hours, holders, policy, fromMs, toMs }: WhatIf,
  callsMax = CALLS_MAX,
): Promise<Course> {
  const history = transitionsOf(hours, toMs);
  const all = minutesOf(hours, fromMs, toMs);
  const minutes = newest(all, callsMax);
  const open = stretchesIn(['open'], history, holders, toMs);
  const transitions: Transition[] = [];
  const breaker = new CircuitBreaker(policy, EVEN_CHANCE, (one) => transitions.push(one));
  const refused: RefusedMinute[] = [];
  let callsReplayed = 0;
  let sinceTurn = 0;
  for (const minute of minutes) {
    const calls = laidOut(minute, history, open);
    refused.push(...played(breaker, minute, calls));
    callsReplayed += calls.length;
    sinceTurn += calls.length;
    if (sinceTurn < CALLS_PER_TURN) continue;
    sinceTurn = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    minutes: all,
    recorded: within(stretchesIn(NOT_CLOSED, history, holders, toMs), fromMs, toMs),
    simulated: within(notClosed(transitions, toMs), fromMs, toMs),
    transitions,
    refused,
    callsReplayed,
    isComplete: minutes.length === all.length,
  };
}

function played(
  breaker: CircuitBreaker,
  { fromMs, seconds }: DatedMinute,
  laid: ReturnType<typeof laidOut>,
): readonly RefusedMinute[] {
  let calls = 0;
  let failures = 0;
  for (const { atMs, isGood, isSlow } of laid) {
    const permit = breaker.tryTake(atMs);
    if (permit) breaker.came(permit, isGood, atMs, isSlow ? SLOW_MS : 0);
    else {
      calls++;
      if (!isGood) failures++;
    }
  }
  return calls === 0 ? [] : [{ fromMs, seconds, calls, failures }];
}

function newest(minutes: readonly DatedMinute[], callsMax: number): readonly DatedMinute[] {
  let left = callsMax;
  const first = minutes.findLastIndex(({ calls }) => (left -= calls) < 0);
  return minutes.slice(first + 1);
}

function notClosed(transitions: readonly Transition[], toMs: number): readonly Stretch[] {
  const found: Stretch[] = [];
  let since: number | undefined;
  for (const { to, atMs } of transitions) {
    if (to !== 'closed') since ??= atMs;
    else if (since !== undefined) {
      found.push({ fromMs: since, toMs: atMs });
      since = undefined;
    }
  }
  return since === undefined ? found : [...found, { fromMs: since, toMs }];
}

const within = (all: readonly Stretch[], fromMs: number, toMs: number): readonly Stretch[] =>
  all
    .map((one) => ({ fromMs: Math.max(one.fromMs, fromMs), toMs: Math.min(one.toMs, toMs) }))
    .filter((one) => one.toMs > one.fromMs);
