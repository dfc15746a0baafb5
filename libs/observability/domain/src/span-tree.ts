import { byStart, type Span } from './span';

/** A span at its place. */
export interface PlacedSpan {
  readonly span: Span;
  /** In the order of their beginnings. */
  readonly children: readonly Span[];
  /** 0: a root, or a span whose parent has not come. */
  readonly depth: number;
}

/**
 * The spans of one trace, each before its children. A span that came twice is there once; one whose
 * parent is missing stands beside the roots, and of spans that are parents of one another the earliest does.
 */
export function spanTree(spans: readonly Span[]): readonly PlacedSpan[] {
  const byId = new Map<string, Span>();
  for (const span of spans) if (!byId.has(span.span_id)) byId.set(span.span_id, span);
  const all = [...byId.values()].sort(byStart);
  const childrenOf = new Map<string, Span[]>();
  const roots: Span[] = [];
  for (const span of all) {
    const { parent_span_id: parent } = span;
    if (parent === undefined || !byId.has(parent)) {
      roots.push(span);
      continue;
    }
    const siblings = childrenOf.get(parent);
    if (siblings) siblings.push(span);
    else childrenOf.set(parent, [span]);
  }
  const placed = new Map<string, PlacedSpan>();
  // What goes in a circle is reached from no root.
  for (const root of [...roots, ...all]) place(root, childrenOf, placed);
  return [...placed.values()];
}

/** Without recursion: a trace may be as deep as it has spans. */
function place(
  root: Span,
  childrenOf: ReadonlyMap<string, readonly Span[]>,
  placed: Map<string, PlacedSpan>,
): void {
  const waiting = [{ span: root, depth: 0 }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { span, depth } = next;
    if (placed.has(span.span_id)) continue;
    const children = (childrenOf.get(span.span_id) ?? []).filter(
      (one) => one !== span && !placed.has(one.span_id),
    );
    placed.set(span.span_id, { span, children, depth });
    for (const child of children.toReversed()) waiting.push({ span: child, depth: depth + 1 });
  }
}
