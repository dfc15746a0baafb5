import { Rejection } from '@downbeat/eventsourcing';
import {
  causeOf,
  evolveRun,
  NOT_STARTED,
  type RunDecider,
  type RunEvent,
} from '@downbeat/saga-domain';

type Recorded = RunEvent & { readonly commit_no: number };

/** The first append that does not follow from what was known before it; undefined when all do. */
export function firstDifference(
  decider: RunDecider,
  events: readonly RunEvent[],
): string | undefined {
  let state = NOT_STARTED;
  for (const append of appendsOf(events as readonly Recorded[])) {
    const what = append.map(({ type }) => type).join(', ');
    const cause = causeOf(append, state);
    if (!cause) return `nothing leads to ${what}`;
    const decided = decider.decide(cause, state);
    if (decided instanceof Rejection) return `${what} would be refused: ${decided.code}`;
    if (JSON.stringify(decided.map(told)) !== JSON.stringify(append.map(told)))
      return `${what} would be ${decided.map(({ type }) => type).join(', ') || 'nothing'}`;
    state = append.reduce(evolveRun, state);
  }
  return undefined;
}

const told = ({ type, data }: RunEvent) => ({ type, data });

function appendsOf(events: readonly Recorded[]): readonly (readonly Recorded[])[] {
  const appends = new Map<number, Recorded[]>();
  for (const event of events)
    appends.set(event.commit_no, [...(appends.get(event.commit_no) ?? []), event]);
  return [...appends.values()];
}
