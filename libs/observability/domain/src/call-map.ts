import { hasFailed, type Span } from './span';
import type { PlacedSpan } from './span-tree';

/** Calls from one service to another, within one trace. */
export interface Calls {
  readonly source_service: string;
  readonly target_service: string;
  readonly request_count: number;
  readonly error_count: number;
  readonly total_us: number;
}

const PEER = 'peer.service';

/**
 * Who called whom: a span of another service than its parent's is a call, and so is a call that leaves
 * for a service which sends no spans, when it says for which.
 */
export function callMap(tree: readonly PlacedSpan[]): readonly Calls[] {
  const calls = new Map<string, Calls>();
  const add = (source: string, target: string, span: Span): void => {
    const key = JSON.stringify([source, target]);
    const before = calls.get(key);
    calls.set(key, {
      source_service: source,
      target_service: target,
      request_count: (before?.request_count ?? 0) + 1,
      error_count: (before?.error_count ?? 0) + (hasFailed(span) ? 1 : 0),
      total_us: (before?.total_us ?? 0) + span.duration_us,
    });
  };
  for (const { span, children } of tree) {
    const away = children.filter((child) => child.service_name !== span.service_name);
    for (const child of away) add(span.service_name, child.service_name, child);
    const peer = span.tags?.[PEER];
    const isLeaving = span.span_kind === 'client' || span.span_kind === 'producer';
    if (peer !== undefined && isLeaving && away.length === 0) add(span.service_name, peer, span);
  }
  return [...calls.values()].sort((one, other) => other.request_count - one.request_count);
}
