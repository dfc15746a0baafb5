import { healthContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { instantOf, type Instant } from '@downbeat/eventsourcing';
import type { Stretch } from '@downbeat/health-domain';
import { policyFrom, type BreakerState, type Cause } from '@downbeat/resilience';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { settingsOf, settingsRefused } from '../../breakers/control-breaker';
import { ASSUMPTIONS } from '../../breakers/laid-out-calls';
import { firstDifference } from '../../breakers/first-difference';
import { courseOf, type Course } from '../../breakers/what-if';
import { BreakerRows } from './breaker-rows';

const { whatIfBreaker } = healthContract;
type Answer = AnswerOf<typeof whatIfBreaker>;

const HOUR_MS = 3_600_000;
const SHOWN_MAX = 200;

/** Answers what a breaker would have done with other settings, before anybody makes them. */
@Controller()
export class WhatIfQueries {
  constructor(private readonly rows: BreakerRows) {}

  @Answers(whatIfBreaker)
  async whatIf({ input, as }: Question<InputOf<typeof whatIfBreaker>>) {
    const settings = settingsOf(input);
    const refusal = settingsRefused(settings);
    if (refusal) return refusal;
    return this.rows.askOf(input.breaker_id, as, async ({ breaker_id, holders }, reading) => {
      const toMs = reading.momentMs;
      const fromMs = toMs - input.hours * HOUR_MS;
      const hours = await reading.hours(breaker_id);
      const policy = policyFrom(settings);
      return answerOf(await courseOf({ hours, holders, policy, fromMs, toMs }), fromMs, toMs);
    });
  }
}

function answerOf(course: Course, fromMs: number, toMs: number): Answer {
  const { minutes, refused, transitions } = course;
  const interval_seconds = Math.max(60, ...minutes.map(({ seconds }) => seconds));
  const difference = firstDifference(course, interval_seconds * 1_000);
  return {
    from: instantOf(fromMs),
    to: instantOf(toMs),
    recorded: {
      openings: course.recorded.length,
      open_seconds: secondsOf(course.recorded),
      calls: sum(minutes.map(({ calls }) => calls)),
      failures: sum(minutes.map(({ failures }) => failures)),
      refused: sum(minutes.map((minute) => minute.refused)),
    },
    simulated: {
      openings: course.simulated.length,
      open_seconds: secondsOf(course.simulated),
      refused_calls: sum(refused.map(({ calls }) => calls)),
      refused_failures: sum(refused.map(({ failures }) => failures)),
    },
    refused: refused
      .slice(0, SHOWN_MAX)
      .map(({ fromMs: ms, ...counts }) => ({ from: instantOf(ms), ...counts })),
    transitions: transitions.slice(0, SHOWN_MAX).map(({ atMs, from, to, cause }) => ({
      at: dated(atMs),
      from_state: stateOf(from),
      to_state: stateOf(to),
      why: whyOf(cause),
    })),
    ...(difference && {
      first_difference: {
        at: dated(difference.atMs),
        recorded: difference.recorded ? 'open' : 'closed',
        simulated: difference.simulated ? 'open' : 'closed',
      },
    }),
    resolution: {
      interval_seconds,
      calls_replayed: course.callsReplayed,
      is_complete: course.isComplete,
      assumptions: [...ASSUMPTIONS],
    },
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const secondsOf = (stretches: readonly Stretch[]): number =>
  sum(stretches.map(({ fromMs, toMs }) => toMs - fromMs)) / 1_000;
const dated = (ms: number): Instant => instantOf(Math.round(ms));
const stateOf = (state: BreakerState) => (state === 'half-open' ? 'half_open' : state);

/** Nobody orders anything in a replay: it trips, and is tried. */
function whyOf(cause: Cause): string {
  if (cause.kind !== 'tripped') return cause.kind.replace('-', ' ');
  const { rule, calls, failures, slow } = cause.evidence;
  return `tripped: ${rule}, ${failures} failures and ${slow} slow ones of ${calls} calls`;
}
