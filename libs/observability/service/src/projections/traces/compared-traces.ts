import type { AnswerOf, observabilityContract } from '@downbeat/contracts';
import { compareTraces, type OperationFigures, type Span } from '@downbeat/observability-domain';
import { placedTrace } from './trace-details';

type Compared = AnswerOf<typeof observabilityContract.compareTraces>;

const OPERATIONS_MAX = 500;

/** Two traces side by side; each has at least one span. */
export function comparedTraces(first: readonly Span[], second: readonly Span[]): Compared {
  const [one, other] = [placedTrace(first).trace, placedTrace(second).trace];
  const [before, after] = [servicesOf(first), servicesOf(second)];
  return {
    first: one,
    second: other,
    difference_ms: other.total_duration_ms - one.total_duration_ms,
    services_added: after.filter((name) => !before.includes(name)),
    services_removed: before.filter((name) => !after.includes(name)),
    operations: compareTraces(first, second)
      .slice(0, OPERATIONS_MAX)
      .map(({ first: was, second: is, critical_difference_us, ...named }) => ({
        ...named,
        ...(was && { first: inMilliseconds(was) }),
        ...(is && { second: inMilliseconds(is) }),
        critical_difference_ms: critical_difference_us / 1_000,
      })),
  };
}

const servicesOf = (spans: readonly Span[]): readonly string[] =>
  [...new Set(spans.map(({ service_name }) => service_name))].sort();

const inMilliseconds = ({ total_us, critical_us, ...counts }: OperationFigures) => ({
  ...counts,
  total_ms: total_us / 1_000,
  critical_ms: critical_us / 1_000,
});
