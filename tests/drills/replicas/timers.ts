import { sagaContract, validate } from '@downbeat/contracts';
import { epochMs, Rejection } from '@downbeat/eventsourcing';
import {
  compileDefinition,
  evolveRun,
  isStarted,
  NOT_STARTED,
  pendingEffects,
  WORKFLOW_TIMER,
  type CompiledDefinition,
  type RunEvent,
} from '@downbeat/saga-domain';
import { timerEnds } from '@downbeat/saga-simulator';
import type { StoredEvent } from '../../support/bookings';

const EARLY_MAX_MS = 1_000;

const runEvents = (events: readonly StoredEvent[]) => events as unknown as readonly RunEvent[];

/** Definitions as the suite compiled them, by their name. */
export function compiled(sources: readonly unknown[]): ReadonlyMap<string, CompiledDefinition> {
  return new Map(
    sources.map((source) => {
      const valid = validate(sagaContract.registerDefinition.data, source);
      const definition = valid instanceof Rejection ? valid : compileDefinition(valid.value);
      if (definition instanceof Rejection) throw new Error(definition.message);
      return [definition.name, definition];
    }),
  );
}

/**
 * When the next thing of a run is to be done that has these events. Undefined: at once. Infinity:
 * nobody knows, since a service keeps it waiting.
 */
export function dueAt(
  events: readonly StoredEvent[],
  definitions: ReadonlyMap<string, CompiledDefinition>,
  isSlow: (endpoint: string, attempt: number) => boolean,
): number | undefined {
  const state = runEvents(events).reduce(evolveRun, NOT_STARTED);
  const definition = isStarted(state) ? definitions.get(state.started.workflow_name) : undefined;
  if (!definition) return undefined;
  const effects = pendingEffects(definition, state);
  const calls = effects.filter((effect) => effect.effect === 'call');
  if (calls.some(({ endpoint, attempt }) => !isSlow(endpoint, attempt))) return undefined;
  const timers = effects.filter((effect) => effect.effect === 'set-timer');
  const own = timers.filter(({ timer_id }) => timer_id !== WORKFLOW_TIMER);
  if (own.length > 0) return Math.min(...own.map(({ due }) => epochMs(due)));
  // The time-out of the run is what it waits for when there is nothing else.
  const [last] = timers;
  return calls.length > 0 ? Infinity : last && epochMs(last.due);
}

export interface TimerFigures {
  readonly fired: number;
  /** Milliseconds before a timer was due, by the database's time; the most of all. */
  readonly earlyMax: number;
  readonly lateness: readonly number[];
  readonly violations: readonly string[];
}

/** What became of the timers of these runs, by the database's time. */
export function timersOf(streams: ReadonlyMap<string, readonly StoredEvent[]>): TimerFigures {
  const lateness: number[] = [];
  const violations: string[] = [];
  for (const [stream, events] of streams)
    for (const { timer, dueMs, overMs, isFired } of timerEnds(runEvents(events))) {
      if (!isFired) continue;
      lateness.push(overMs - dueMs);
      if (dueMs - overMs > EARLY_MAX_MS)
        violations.push(`${stream}: ${timer} came ${dueMs - overMs} ms early`);
    }
  const earlyMax = Math.max(0, ...lateness.map((ms) => -ms));
  return { fired: lateness.length, earlyMax, lateness, violations };
}

/** What has to be in the log of a run of each kind, and how often: a timer that was lost is not there. */
const EXPECTED: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  timed: { DelayElapsed: 1, SignalMissed: 1, WorkflowCompleted: 1 },
  impatient: { WorkflowTimedOut: 1 },
};
const ENDS = ['WorkflowCompleted', 'WorkflowFailed', 'WorkflowCompensated'];

/** What is missing, or there too often, in the log of a run that waits for timers. */
export function lostTimers(name: string, events: readonly StoredEvent[]): readonly string[] {
  const [first] = events;
  const stream = first?.stream ?? name;
  const ends = events.filter(({ type }) => ENDS.includes(type)).length;
  const found = Object.entries(EXPECTED[name] ?? {}).flatMap(([type, wanted]) => {
    const times = events.filter((event) => event.type === type).length;
    return times === wanted ? [] : [`${stream}: ${type} ${times} times`];
  });
  return ends === 1 ? found : [...found, `${stream} ended ${ends} times`];
}
