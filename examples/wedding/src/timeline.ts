import type { CallRecord } from './call-log';
import type { RunStatus } from './suite';

const DETAILS_LENGTH_MAX = 110;

/** A run as text: its steps, its timeline, and what the participants say was done and undone. */
export function timelineText(run: RunStatus, calls: readonly CallRecord[]): string {
  const { workflow, steps, execution_timeline } = run;
  const begin = Date.parse(workflow.started_at);
  const failure = workflow.error_details;
  const duration = workflow.duration_ms;
  return [
    `${workflow.correlation_id}  ${workflow.current_status}${duration === undefined ? '' : ` after ${Math.round(duration)} ms`}`,
    ...(failure ? [`  because ${failure.step_name}: ${failure.error_message}`] : []),
    '  steps',
    ...steps.map(
      (step) =>
        `    ${step.step_name.padEnd(20)} ${step.status.padEnd(12)} ${step.step_type.padEnd(13)}${retries(step.retry_count)}${step.error_message ?? ''}`,
    ),
    '  timeline',
    ...execution_timeline.map(
      ({ timestamp, event, step_name, details }) =>
        `    ${offset(Date.parse(timestamp) - begin)}  ${event.padEnd(26)} ${step_name.padEnd(20)} ${brief(details)}`,
    ),
    '  what the services did, by their own logs',
    ...[...calls].sort(byTime).map(callText),
  ]
    .map((line) => line.trimEnd())
    .join('\n');
}

const retries = (count: number): string => (count === 0 ? '' : `${count} retries  `);

const offset = (ms: number): string => `+${ms} ms`.padStart(10);

const brief = (details: Readonly<Record<string, unknown>>): string => {
  const text = Object.keys(details).length === 0 ? '' : JSON.stringify(details);
  return text.length > DETAILS_LENGTH_MAX ? `${text.slice(0, DETAILS_LENGTH_MAX)}…` : text;
};

const byTime = (one: CallRecord, other: CallRecord): number =>
  Number(BigInt(one.monotonic_ns) - BigInt(other.monotonic_ns));

const callText = ({ service, operation, outcome, status, entry }: CallRecord): string =>
  `    ${service.padEnd(13)} ${operation.padEnd(18)} ${String(status).padEnd(4)} ${outcome}${entry ? `: ${entry.status}` : ''}`;
