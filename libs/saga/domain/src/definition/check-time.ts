import type { FieldError } from '@downbeat/eventsourcing';
import type { CompiledStep, RetryRule } from './compiled';

/** What a step waits for must fit into the workflow's time-out. */
export function checkTime(
  steps: ReadonlyMap<string, CompiledStep>,
  timeoutMs: number,
  errors: FieldError[],
): void {
  for (const step of steps.values()) {
    if (step.type === 'delay' && step.delayMs >= timeoutMs)
      errors.push({
        field: `${step.path}.delay_seconds`,
        message: `is not shorter than the workflow's time-out of ${timeoutMs / 1_000} s`,
      });
    if (step.type === 'wait_for_signal' && (step.timeoutMs ?? 0) >= timeoutMs)
      errors.push({
        field: `${step.path}.timeout_seconds`,
        message: `is not shorter than the workflow's time-out of ${timeoutMs / 1_000} s`,
      });
    if (step.type !== 'service_call') continue;
    const { retry, rules } = step.call;
    const policy = `${step.path}.retry_policy`;
    const schedules = [
      { field: policy, schedule: retry },
      ...rules.map((schedule, index) => ({ field: `${policy}.rules.${index}`, schedule })),
    ];
    for (const { field, schedule } of schedules) {
      const shortestMs = shortestScheduleMs(schedule);
      if (shortestMs >= timeoutMs)
        errors.push({
          field,
          message:
            `waits at least ${shortestMs / 1_000} s between its calls and cannot fit ` +
            `the workflow's time-out of ${timeoutMs / 1_000} s`,
        });
    }
  }
}

/** The sum of all waits between calls when chance makes each as short as it can be. */
function shortestScheduleMs(policy: Omit<RetryRule, 'match'>): number {
  let sum = 0;
  let delay = policy.initial_delay_ms;
  for (let retry = 1; retry <= policy.max_retries; retry++) {
    sum += Math.min(delay, policy.max_delay_ms) * (1 - policy.jitter);
    delay = Math.min(delay * policy.backoff_multiplier, policy.max_delay_ms);
  }
  return Math.round(sum);
}
