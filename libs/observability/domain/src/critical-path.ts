import type { PlacedSpan } from './span-tree';
import { endOf, type Span } from './span';

/** A stretch of time in which the trace waited for this span itself, and for none of its children. */
export interface Stretch {
  readonly span: Span;
  /** Microseconds since 1970. */
  readonly from_us: number;
  readonly to_us: number;
}

interface Walk {
  /** Undefined: the trace as a whole, which has the roots for children. */
  readonly span: Span | undefined;
  /** Where it begins, as far as its parent waited for it. */
  readonly fromUs: number;
  /** Everything after this is explained. */
  cursorUs: number;
  /** Those that are left, the one that ended last at the end. */
  readonly children: Span[];
}

/**
 * What the end of a trace waited for, in order of time: from each span's end back to the child that
 * ended last before it, and so on. Stretches do not overlap; where a single root spans the trace, they
 * fill it. A child counts only while its parent runs.
 *
 * @see CRISP: Critical Path Analysis of Large-Scale Microservice Architectures, USENIX ATC 2022.
 */
export function criticalPath(tree: readonly PlacedSpan[]): readonly Stretch[] {
  const childrenOf = new Map(tree.map(({ span, children }) => [span.span_id, children]));
  const roots = tree.filter(({ depth }) => depth === 0).map(({ span }) => span);
  if (roots.length === 0) return [];
  const endUs = roots.reduce((end, root) => Math.max(end, endOf(root)), 0);
  const path: Stretch[] = [];
  const walks: Walk[] = [walkOf(undefined, 0, endUs, roots)];
  for (let walk = walks.at(-1); walk; walk = walks.at(-1)) {
    const child = nextChild(walk);
    const explainedTo = child ? Math.min(endOf(child), walk.cursorUs) : walk.fromUs;
    if (walk.span && explainedTo < walk.cursorUs)
      path.push({ span: walk.span, from_us: explainedTo, to_us: walk.cursorUs });
    if (!child) {
      walks.pop();
      continue;
    }
    const fromUs = Math.max(child.start_us, walk.fromUs);
    walk.cursorUs = fromUs;
    walks.push(walkOf(child, fromUs, explainedTo, childrenOf.get(child.span_id) ?? []));
  }
  return path.reverse();
}

const walkOf = (
  span: Span | undefined,
  fromUs: number,
  cursorUs: number,
  children: readonly Span[],
): Walk => ({
  span,
  fromUs,
  cursorUs,
  children: children.toSorted((one, other) => endOf(one) - endOf(other)),
});

/** The one that ended last of those that ran before what is explained. */
function nextChild({ children, cursorUs, fromUs }: Walk): Span | undefined {
  for (let child = children.pop(); child; child = children.pop())
    if (child.start_us < cursorUs && endOf(child) > fromUs) return child;
  return undefined;
}
