import { Rejection } from '@downbeat/eventsourcing';
import {
  causeOf,
  evolveRun,
  NOT_STARTED,
  runDecider,
  type CompiledDefinition,
  type RunDecider,
  type RunEvent,
} from '@downbeat/saga-domain';
import type { History } from './history';

type Recorded = RunEvent & { readonly commit_no: number };

/** The first append that does not follow from what was known before it; undefined when all do. */
export function firstDifference(
  history: History,
  changed: (decider: RunDecider, definition: CompiledDefinition) => RunDecider,
): string | undefined {
  let state = NOT_STARTED;
  let definition = history.first;
  const deciderOf = (one: CompiledDefinition) => changed(runDecider(one), one);
  let decider = deciderOf(definition);
  for (const append of appendsOf(history.events as readonly Recorded[])) {
    const what = append.map(({ type }) => type).join(', ');
    const next = append.reduce((before, event) => history.behind(event, before), definition);
    const cause = causeOf(append, state, next);
    if (!cause) return `nothing leads to ${what}`;
    const decided = decider.decide(cause, state);
    if (decided instanceof Rejection) return `${what} would be refused: ${decided.code}`;
    if (JSON.stringify(decided.map(told)) !== JSON.stringify(append.map(told)))
      return `${what} would be ${decided.map(({ type }) => type).join(', ') || 'nothing'}`;
    state = append.reduce(evolveRun, state);
    if (next !== definition) decider = deciderOf(next);
    definition = next;
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
