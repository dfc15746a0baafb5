import { healthContract, type InputOf } from '@downbeat/contracts';
import { lastDayOf, triggerOf } from '@downbeat/health-domain';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { BreakerRows } from './breaker-rows';

const { circuitBreakerMetrics } = healthContract;

const shareOf = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

/** Answers what a breaker did in the day before the moment that is asked for. */
@Controller()
export class BreakerMetricsQueries {
  constructor(private readonly rows: BreakerRows) {}

  @Answers(circuitBreakerMetrics)
  async metrics({ input, as }: Question<InputOf<typeof circuitBreakerMetrics>>) {
    return this.rows.askOf(input.breaker_id, as, async ({ breaker_id, holders }, reading) => {
      const day = lastDayOf(await reading.hours(breaker_id), holders, reading.momentMs);
      return {
        metrics: {
          total_requests_24h: day.calls,
          failed_requests_24h: day.failures,
          success_rate_24h: 1 - shareOf(day.failures, day.calls),
          refused_requests_24h: day.refused,
          state_changes_24h: day.stateChanges,
          average_failure_duration_minutes: day.averageOutageMinutes,
        },
        state_history: day.history.map(({ at, from, to, mode, cause, holder }) => ({
          timestamp: at,
          from_state: from,
          to_state: to,
          mode,
          trigger: triggerOf(cause),
          cause,
          holder,
        })),
        failure_patterns: day.byHour.map(({ calls, failures }, hour) => ({
          hour,
          failure_count: failures,
          total_requests: calls,
          failure_rate: shareOf(failures, calls),
        })),
      };
    });
  }
}
