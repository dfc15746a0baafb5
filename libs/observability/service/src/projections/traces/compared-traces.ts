import type { AnswerOf, observabilityContract } from '@downbeat/contracts';
import { compareTraces, type OperationFigures, type Span } from '@downbeat/observability-domain';
import type { OpenedTrace } from './opened-trace';
import { placedTrace } from './trace-details';
import { withinBytes } from './within-bytes';

type Compared = AnswerOf<typeof observabilityContract.compareTraces>;

const OPERATIONS_MAX = 500;
const OPERATIONS_BYTES_MAX = 400_000;
const SERVICES_MAX = 200;
const SERVICES_BYTES_MAX = 100_000;

/** Two traces side by side; each has at least one span. */
export function comparedTraces(was: OpenedTrace, is: OpenedTrace): Compared {
  const [first, second] = [was.spans, is.spans];
  const [one, other] = [placedTrace(first).trace, placedTrace(second).trace];
  const [before, after] = [servicesOf(first), servicesOf(second)];
  const named = (names: readonly string[]) => withinBytes(names, SERVICES_MAX, SERVICES_BYTES_MAX);
  return {
    first: one,
    second: other,
    difference_ms: other.total_duration_ms - one.total_duration_ms,
    services_added: [...named(missingIn(before, after))],
    services_removed: [...named(missingIn(after, before))],
    operations: withinBytes(compareTraces(first, second), OPERATIONS_MAX, OPERATIONS_BYTES_MAX).map(
      ({ first: figures, second: others, critical_difference_us, ...operation }) => ({
        ...operation,
        ...(figures && { first: inMilliseconds(figures) }),
        ...(others && { second: inMilliseconds(others) }),
        critical_difference_ms: critical_difference_us / 1_000,
      }),
    ),
    is_cut: was.isCut || is.isCut,
  };
}

const servicesOf = (spans: readonly Span[]): readonly string[] =>
  [...new Set(spans.map(({ service_name }) => service_name))].sort();

function missingIn(some: readonly string[], others: readonly string[]): readonly string[] {
  const known = new Set(some);
  return others.filter((name) => !known.has(name));
}

const inMilliseconds = ({ total_us, critical_us, ...counts }: OperationFigures) => ({
  ...counts,
  total_ms: total_us / 1_000,
  critical_ms: critical_us / 1_000,
});
