import { criticalPath } from './critical-path';
import { hasFailed, type Span } from './span';
import { spanTree } from './span-tree';

/** What one operation of one service did in a trace. */
export interface OperationFigures {
  readonly count: number;
  readonly error_count: number;
  /** Of all its spans together. */
  readonly total_us: number;
  /** How long the trace waited for them. */
  readonly critical_us: number;
}

/** The same operation in two traces; a figure is absent where the trace does not have it. */
export interface ComparedOperation {
  readonly service_name: string;
  readonly operation_name: string;
  readonly first?: OperationFigures;
  readonly second?: OperationFigures;
  /** What it adds to the second trace, in time waited for; negative: what it saves. */
  readonly critical_difference_us: number;
}

type Named = Pick<ComparedOperation, 'service_name' | 'operation_name'>;
type Operations = Map<string, Named & { figures: OperationFigures }>;

/** Two traces by what they are made of; what makes the largest difference to their length comes first. */
export function compareTraces(
  first: readonly Span[],
  second: readonly Span[],
): readonly ComparedOperation[] {
  const [one, other] = [operationsOf(first), operationsOf(second)];
  return [...new Map([...one, ...other])]
    .map(([key, { service_name, operation_name }]) => {
      const [before, after] = [one.get(key)?.figures, other.get(key)?.figures];
      return {
        service_name,
        operation_name,
        ...(before && { first: before }),
        ...(after && { second: after }),
        critical_difference_us: (after?.critical_us ?? 0) - (before?.critical_us ?? 0),
      };
    })
    .sort(
      (a, b) =>
        Math.abs(b.critical_difference_us) - Math.abs(a.critical_difference_us) ||
        (keyOf(a) < keyOf(b) ? -1 : 1),
    );
}

const NONE: OperationFigures = { count: 0, error_count: 0, total_us: 0, critical_us: 0 };

function operationsOf(spans: readonly Span[]): Operations {
  const tree = spanTree(spans);
  const found: Operations = new Map();
  const add = (span: Span, more: Partial<OperationFigures>): void => {
    const { service_name, operation_name } = span;
    const { figures } = found.get(keyOf(span)) ?? { figures: NONE };
    const { count = 0, error_count = 0, total_us = 0, critical_us = 0 } = more;
    found.set(keyOf(span), {
      service_name,
      operation_name,
      figures: {
        count: figures.count + count,
        error_count: figures.error_count + error_count,
        total_us: figures.total_us + total_us,
        critical_us: figures.critical_us + critical_us,
      },
    });
  };
  for (const { span } of tree)
    add(span, { count: 1, error_count: hasFailed(span) ? 1 : 0, total_us: span.duration_us });
  for (const { span, from_us, to_us } of criticalPath(tree))
    add(span, { critical_us: to_us - from_us });
  return found;
}

const keyOf = ({ service_name, operation_name }: Named): string =>
  JSON.stringify([service_name, operation_name]);
