import { fold, type Position, type RecordedEvent, type StreamName } from '@downbeat/eventsourcing';
import {
  definitionControl,
  evolveRun,
  isStarted,
  NOT_STARTED,
  type DefinitionControlEvent,
  type RunEvent,
} from '@downbeat/saga-domain';
import type { PausedDefinitions } from '@downbeat/saga-service/testing';
import { WITH_DEFINITION } from '../oracle/definition-pauses';
import type { SimulatedProcess } from '../time/simulated-process';
import { storeUnavailable, type World } from './world';

const PATIENCE_MS = 2_000;
/** How far what is read may be behind the log. */
const BEHIND_MAX_MS = 1_000;
const CONTROL = 'definition-control-';
const RUN = 'workflow-';

interface Asked {
  readonly min_position?: Position;
}
type ReadModels = ConstructorParameters<typeof PausedDefinitions>[1];
type Read<Answer> = (manager: { query: (sql: string, bounds?: unknown[]) => unknown }) => Answer;

/** As much of the read models of runs and paused definitions as those need who follow pauses. */
export class SimulatedReadModels {
  constructor(
    private readonly world: World,
    private readonly process: SimulatedProcess,
  ) {}

  /** To be taken for those of the app. */
  get asReadModels(): ReadModels {
    return this as unknown as ReadModels;
  }

  async ask<Answer>(_: unknown, { min_position = 0 }: Asked, read: Read<Promise<Answer>>) {
    const { world, process } = this;
    const { network, weather, chance, log } = world;
    const isLost = weather.strikes('read-failed');
    const route = world.routeToStore(process, PATIENCE_MS, storeUnavailable);
    const behindMs = chance.isLucky(0.3) ? chance.below(BEHIND_MAX_MS) : 0;
    let paused: readonly string[] | undefined;
    const answer = await network.ask(
      process,
      isLost ? { ...route, reaches: false } : route,
      async () => {
        const seenMs = world.time.now - behindMs;
        const newest = log.events.findLast((one) => Date.parse(one.recorded_at) <= seenMs);
        const position = Math.max(newest?.position ?? 0, min_position);
        const events = log.events.slice(0, position) as unknown as readonly RecordedEvent[];
        const controls = controlsIn(events);
        const query = (sql: string, bounds: unknown[] = []): unknown => {
          if (sql.includes(' join '))
            return concerned(controls, events, bounds as [number, number]);
          paused = controls.filter(({ is_paused }) => is_paused).map(({ name }) => name);
          return paused.map((name) => ({ name }));
        };
        return { data: await read({ query }), position };
      },
    );
    if (paused) world.followsDefinitions(process, paused);
    return answer;
  }
}

interface Control {
  readonly name: string;
  readonly is_paused: boolean;
  readonly runs: string | null;
  readonly reason: string;
  readonly pause_no: number;
  readonly said_position: Position;
}
interface RunRow {
  readonly id: string;
  readonly workflow_name: string;
  readonly isGoingOn: boolean;
  readonly paused: boolean;
  readonly paused_with_definition: boolean;
  readonly resumed_position: Position;
  readonly started_position: Position;
  readonly listed_position: Position;
}

/** Runs that are to be paused with their definition, or resumed: as the database finds them. */
function concerned(
  controls: readonly Control[],
  events: readonly RecordedEvent[],
  [limit, after]: readonly [number, number],
) {
  if (controls.length === 0) return [];
  return byStream(events, RUN)
    .flatMap(([, past]) => runOf(past))
    .flatMap((run) => {
      const control = controls.find(({ name }) => name === run.workflow_name);
      if (!control || !run.isGoingOn || run.started_position <= after) return [];
      const { is_paused, said_position } = control;
      const isMeant = is_paused && control.runs === 'pause';
      const toPause = isMeant && !run.paused && run.resumed_position < said_position;
      const toResume = !isMeant && run.paused && run.paused_with_definition;
      return toPause || toResume ? [{ ...control, ...run, runs: control.runs }] : [];
    })
    .slice(0, limit);
}

const controlsIn = (events: readonly RecordedEvent[]): readonly Control[] =>
  byStream(events, CONTROL).map(([stream, past]) => controlOf(stream.slice(CONTROL.length), past));

function byStream(
  events: readonly RecordedEvent[],
  prefix: string,
): readonly (readonly [StreamName, readonly RecordedEvent[]])[] {
  const streams = new Map<StreamName, RecordedEvent[]>();
  for (const event of events) {
    if (!event.stream.startsWith(prefix)) continue;
    const known = streams.get(event.stream);
    if (known) known.push(event);
    else streams.set(event.stream, [event]);
  }
  return [...streams];
}

function controlOf(name: string, past: readonly RecordedEvent[]): Control {
  const last = past.at(-1) as unknown as DefinitionControlEvent & RecordedEvent;
  const { runs, pauseNo } = fold(definitionControl, past as never);
  const reason = last.type === 'DefinitionPaused' ? last.data.reason : '';
  return {
    name,
    is_paused: runs !== undefined,
    runs: runs ?? null,
    reason,
    pause_no: pauseNo,
    said_position: last.position,
  };
}

function runOf(past: readonly RecordedEvent[]): readonly RunRow[] {
  const events = past as unknown as readonly (RunEvent & RecordedEvent)[];
  const state = events.reduce(evolveRun, NOT_STARTED);
  const [first] = events;
  if (!isStarted(state) || !first || state.archived) return [];
  const listed = events.findLastIndex(({ type }) => type === 'WorkflowRestored');
  const resumed = events
    .slice(Math.max(listed, 0))
    .findLast(({ type, meta }) => type === 'WorkflowResumed' && meta.actor !== WITH_DEFINITION);
  return [
    {
      id: state.started.workflow_id,
      workflow_name: state.started.workflow_name,
      isGoingOn: state.status === 'running' || state.status === 'compensating',
      paused: state.pause !== undefined,
      paused_with_definition: state.pause?.isOfDefinition === true,
      resumed_position: resumed?.position ?? 0,
      started_position: first.position,
      listed_position: (events[listed] ?? first).position,
    },
  ];
}
