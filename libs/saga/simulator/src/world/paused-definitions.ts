import { fold, type RecordedEvent } from '@downbeat/eventsourcing';
import {
  definitionControl,
  definitionControlStream,
  isStarted,
  type DefinitionPaused,
  type RunEvent,
} from '@downbeat/saga-domain';
import { WITH_DEFINITION } from '../oracle/definition-pauses';
import type { Run } from './run';
import type { World } from './world';

type Recorded = RunEvent & Pick<RecordedEvent, 'meta' | 'position' | 'recorded_at'>;

/** Within so long in fine weather a run is found that goes on although it is to be paused. */
const FOUND_WITHIN_MS = 10_000;

/** The pause of a definition that holds now, by the log. */
export function pauseOf(
  { log }: World,
  name: string,
): (DefinitionPaused & RecordedEvent) | undefined {
  const events = log.streams.get(definitionControlStream(name)) ?? [];
  if (fold(definitionControl, events as never).runs === undefined) return undefined;
  return events.at(-1) as unknown as DefinitionPaused & RecordedEvent;
}

/** In fine weather: runs that go on, or have begun, though their definition has been paused for long. */
export function goingOnInSpite(
  world: World,
  runs: readonly Run[],
  name: string,
  calmSinceMs: number,
): readonly string[] {
  const pause = pauseOf(world, name);
  const isLong = pause && world.time.now - Date.parse(pause.recorded_at) > FOUND_WITHIN_MS;
  if (!isLong) return [];
  return runs.flatMap(({ correlationId, definition }) => {
    const state = world.stateOf(world.streamOf(correlationId));
    if (definition.definition.name !== name || !isStarted(state)) return [];
    const events = world.eventsOf(correlationId) as readonly Recorded[];
    const isNew = (events[0]?.position ?? 0) > pause.position;
    const begunMs = Date.parse(events[0]?.recorded_at ?? '');
    const heardMs = Math.max(Date.parse(pause.recorded_at), calmSinceMs) + FOUND_WITHIN_MS;
    if (isNew && begunMs > heardMs) return [`${correlationId} has begun, and ${name} was paused`];
    const isGoingOn = state.status === 'running' || state.status === 'compensating';
    if (pause.data.runs !== 'pause' || !isGoingOn || state.pause) return [];
    const resumed = events.findLast(
      ({ type, meta }) => type === 'WorkflowResumed' && meta.actor !== WITH_DEFINITION,
    );
    const turned = events.findLast(({ type }) => TURNS.has(type));
    const isLately = world.time.now - Date.parse(turned?.recorded_at ?? '') < FOUND_WITHIN_MS;
    if (isLately || (resumed && resumed.position > pause.position)) return [];
    return [`${correlationId} goes on, and ${name} is paused with its runs`];
  });
}

/** A run goes on, perhaps anew. */
const TURNS: ReadonlySet<string> = new Set([
  'WorkflowStarted',
  'RunRetried',
  'CompensationRequested',
  'WorkflowResumed',
]);
