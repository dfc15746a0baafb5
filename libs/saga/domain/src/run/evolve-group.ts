import type {
  GroupFailed,
  MapCompleted,
  MapItemCompleted,
  MapItemFailed,
  MapItemStarted,
  MapStarted,
  ParallelCompleted,
  ParallelStarted,
  RaceUndoStarted,
  RaceWon,
  Within,
} from './events';
import { groupState } from './branches';
import { scopeId, withChanges, withoutScopesOf } from './scopes';
import type { Failure, GroupState, Run } from './state';

export type GroupEvent =
  | ParallelStarted
  | ParallelCompleted
  | MapStarted
  | MapItemStarted
  | MapItemCompleted
  | MapItemFailed
  | MapCompleted
  | RaceWon
  | RaceUndoStarted
  | GroupFailed;

/** What becomes of a run with an event of a parallel or map step. */
export function evolveGroup(run: Run, event: GroupEvent): Run {
  const { step } = event.data;
  switch (event.type) {
    case 'ParallelStarted':
      return withGroup(run, step, begun(event.data));
    case 'MapStarted':
      return withGroup(run, step, { ...begun(event.data), items: event.data.items });
    case 'MapItemStarted': {
      const { index, context } = event.data;
      const next = changed(run, step, ({ begun: before, again }) => ({
        begun: Math.max(before, index + 1),
        again: without(again, index),
      }));
      return withChanges(next, scopeId(step, String(index)), context);
    }
    case 'MapItemCompleted': {
      const { index, result } = event.data;
      return changed(run, step, ({ results }) => ({
        results: new Map(results).set(index, result),
      }));
    }
    case 'MapItemFailed': {
      const { index, message, within } = event.data;
      return failedIn(run, within, { reason: `${step}#${index} failed: ${message}`, step });
    }
    case 'RaceWon': {
      const { branch, context, scope } = event.data;
      return withChanges(
        changed(run, step, () => ({ winner: branch })),
        scope,
        context,
      );
    }
    case 'RaceUndoStarted': {
      const { steps } = event.data;
      const reason = `${step} was won by another branch`;
      const compensation = { reason, strategy: 'all' as const, remaining: steps, race: step };
      return { ...run, compensation: { ...compensation, undo: undefined } };
    }
    case 'GroupFailed': {
      const { reason, failed_step, within } = event.data;
      const stopped = changed(run, step, () => ({ isStopped: true }));
      return failedIn(stopped, within, { reason, step: failed_step });
    }
    case 'ParallelCompleted':
      return done(run, step);
    case 'MapCompleted':
      return withChanges(done(run, step), event.data.scope, event.data.context);
  }
}

/** A failure stays in the branch it happened in, or halts the run. The first reason is the one that is told. */
export function failedIn(run: Run, within: Within | undefined, failure: Failure): Run {
  if (within)
    return changed(run, within.step, ({ failures }) =>
      failures.has(within.branch)
        ? {}
        : { failures: new Map(failures).set(within.branch, failure) },
    );
  const asked = { strategy: undefined, customSteps: undefined, savepoint: undefined };
  const halt = { ...failure, ...asked, isRequested: false };
  return { ...run, halt: run.halt ?? halt };
}

/** A retried run tries again what had failed; of a map's items no more at once than of new ones. */
export function resumeGroups(run: Run): Run {
  let next = run;
  for (const [address, state] of run.steps) {
    if (state.status !== 'branching') continue;
    const failed = state.items ? [...state.failures.keys()].map(Number) : [];
    const again = new Set([...state.again, ...failed].toSorted((one, other) => one - other));
    next = withGroup(next, address, { ...state, failures: new Map(), again, isStopped: false });
  }
  return next;
}

const begun = ({ place, scope }: ParallelStarted['data'] | MapStarted['data']): GroupState => ({
  status: 'branching',
  place,
  scope,
  failures: new Map(),
  isStopped: false,
  begun: 0,
  again: new Set(),
  results: new Map(),
});

const without = (indices: ReadonlySet<number>, index: number): ReadonlySet<number> =>
  indices.has(index) ? new Set([...indices].filter((other) => other !== index)) : indices;

function done(run: Run, address: string): Run {
  const place = run.steps.get(address)?.place ?? 0;
  const steps = new Map(run.steps).set(address, { status: 'passed', place });
  const isItsUndo = run.compensation?.race === address;
  const compensation = isItsUndo ? undefined : run.compensation;
  return withoutScopesOf({ ...run, steps, compensation }, address);
}

const withGroup = (run: Run, address: string, state: GroupState): Run => ({
  ...run,
  steps: new Map(run.steps).set(address, state),
});

function changed(
  run: Run,
  address: string,
  change: (state: GroupState) => Partial<GroupState>,
): Run {
  const state = groupState(run, address);
  return state ? withGroup(run, address, { ...state, ...change(state) }) : run;
}
