import { EventStoreUnavailable, type Append, type Appended } from '@downbeat/event-store';
import { MemoryEventStore, MemoryLeases, MemoryLog } from '@downbeat/event-store/testing';
import {
  epochMs,
  type Instant,
  type RecordedEvent,
  type StreamName,
} from '@downbeat/eventsourcing';
import {
  evolveRun,
  isStarted,
  NOT_STARTED,
  versionOf,
  workflowStream,
  type CallEffect,
  type CompiledStep,
  type RunEvent,
  type RunState,
} from '@downbeat/saga-domain';
import { workflowIdOf, type TargetRules } from '@downbeat/saga-service/testing';
import { Chance } from '../chance';
import type { Coverage } from '../coverage';
import { KnownDefinitions } from '../definitions/known-definitions';
import { nameAt } from '../oracle/places';
import type { SimulatedProcess } from '../time/simulated-process';
import { VirtualTime } from '../time/virtual-time';
import type { Fault } from '../weather/faults';
import { Weather } from '../weather/weather';
import { Books } from './books';
import { Network, type Outcome, type Route } from './network';
import type { Run } from './run';
import { Services } from './services';

/** 2026-03-01T09:30:00Z. */
const BEGIN = 1_772_357_400_000;
const CRIMES_MAX = 20;
/** From the question whether a definition is paused to the decision that a run of it begins, at most. */
const START_DECIDED_WITHIN_MS = 3_000;

export interface WorldOptions {
  readonly seed: number;
  readonly without?: ReadonlySet<Fault>;
  readonly coverage: Coverage;
  /** Told line by line what happens; nobody: nothing is put into words. */
  readonly onLine?: ((line: string) => void) | undefined;
}

interface Folded {
  version: number;
  state: RunState;
}

/** Everything that is not the engine: the time, the log, the network, the services; and who watches them. */
export class World {
  readonly time = new VirtualTime(BEGIN);
  readonly log = new MemoryLog(() => this.time.now);
  readonly store = new MemoryEventStore(this.log, 'saga');
  readonly leases = new MemoryLeases(this.log, 'saga');
  readonly books = new Books();
  readonly chance: Chance;
  readonly weather: Weather;
  readonly network: Network;
  readonly services: Services;
  readonly known = new KnownDefinitions();
  /** Runs that stand for a step of another, in the order in which they began. */
  readonly children: Run[] = [];
  /** What was seen to be wrong at the moment it happened. */
  readonly crimes: string[] = [];
  /** Which process an owner of leases is a life of. */
  readonly owners = new Map<string, SimulatedProcess>();
  /** When a process took runs over last. */
  readonly tookOverAt = new Map<SimulatedProcess, number>();
  /** Since when a run was paused that was taken over then. */
  private readonly takenInPause = new Map<StreamName, Instant>();
  /** Streams that a start took which committed when nobody could wait for it any more. */
  readonly strayStreams = new Set<string>();
  /** Since when each process follows that a target is paused. */
  readonly pausedTargets = new Map<SimulatedProcess, ReadonlyMap<string, number>>();
  /** The same of definitions that are paused, as it has read it. */
  private readonly pausedDefinitions = new Map<SimulatedProcess, ReadonlyMap<string, number>>();
  /** How many events of a stream a process has read. */
  private readonly readUpTo = new Map<string, number>();
  /** Who holds a lock of the database. */
  readonly locks = new Map<string, SimulatedProcess>();
  storeDownUntil = 0;
  targetsDownUntil = 0;
  readonly cutOffUntil = new Map<SimulatedProcess, number>();
  private readonly streams = new Map<string, StreamName>();
  private readonly folded = new Map<StreamName, Folded>();

  constructor(readonly options: WorldOptions) {
    const { seed, coverage, without = new Set<Fault>() } = options;
    this.chance = Chance.of(seed, 'world');
    this.weather = new Weather(seed, without, coverage, (fault) => this.say('~', fault));
    this.network = new Network(this.time, Chance.of(seed, 'network'));
    this.services = new Services(this.books, this.weather, Chance.of(seed, 'services'));
  }

  get isTold(): boolean {
    return this.options.onLine !== undefined;
  }

  /** Milliseconds since it all began. */
  get age(): number {
    return this.time.now - BEGIN;
  }

  get areTargetsDown(): boolean {
    return this.targetsDownUntil > this.time.now;
  }

  say(who: string, what: string): void {
    this.options.onLine?.(`${(this.age / 1_000).toFixed(4).padStart(9)} ${who.padEnd(4)} ${what}`);
  }

  accuse(crime: string): void {
    this.say('!!!!', crime);
    if (this.crimes.length < CRIMES_MAX) this.crimes.push(crime);
  }

  routeToStore(
    process: SimulatedProcess,
    timeoutMs: number,
    onTimeout: () => Outcome<never>,
  ): Route {
    const isDown = Math.max(this.storeDownUntil, this.cutOffUntil.get(process) ?? 0);
    const [thereMs, backMs] = [this.network.latency(), this.network.latency()];
    return {
      reaches: isDown <= this.time.now,
      answers: true,
      thereMs,
      backMs,
      timeoutMs,
      onTimeout,
    };
  }

  /** The run's state as the log has it. */
  stateOf(stream: StreamName): RunState {
    const events = this.log.streams.get(stream) ?? [];
    const folded = this.folded.get(stream) ?? { version: 0, state: NOT_STARTED };
    for (; folded.version < events.length; folded.version++)
      folded.state = evolveRun(folded.state, events[folded.version] as unknown as RunEvent);
    this.folded.set(stream, folded);
    return folded.state;
  }

  streamOf(correlationId: string): StreamName {
    const known = this.streams.get(correlationId);
    if (known) return known;
    const stream = workflowStream(workflowIdOf(correlationId));
    this.streams.set(correlationId, stream);
    return stream;
  }

  eventsOf(correlationId: string): readonly RunEvent[] {
    const stream = this.streamOf(correlationId);
    return (this.log.streams.get(stream) ?? []) as unknown as readonly RunEvent[];
  }

  /** An append has arrived at the log. */
  async commit(by: SimulatedProcess, append: Append, isAstray: boolean): Promise<Appended> {
    const before = this.log.holders.get(append.stream);
    const appended = await this.refusalTold(by, () => this.store.append(append));
    if (appended.repeated) return appended;
    this.noteChild(append);
    this.judgeStart(by, append);
    if (isAstray && append.lease?.use === 'acquire') this.strayStreams.add(append.stream);
    if (before && this.owners.get(before.owner) !== by)
      this.accuse(`${by.name} added to ${append.stream}, which another replica held`);
    if (before && append.lease && append.lease.epoch !== before.epoch)
      this.accuse(`${by.name} added to ${append.stream} in epoch ${append.lease.epoch}`);
    if (this.isTold) {
      const lease = append.lease ? `${append.lease.use} ${append.lease.epoch}` : 'no lease';
      this.say(by.name, `appended to ${append.stream}, ${lease}:`);
      for (const { type, data } of append.events) this.say('', `  ${type} ${JSON.stringify(data)}`);
    }
    return appended;
  }

  private noteChild({ events: [first] }: Append): void {
    const event = first as RunEvent | undefined;
    if (event?.type !== 'WorkflowStarted' || !event.data.parent) return;
    const { correlation_id: correlationId, context_data: startData } = event.data;
    const { workflow_name, workflow_version } = event.data;
    const definition = this.known.find(workflow_name, workflow_version);
    if (definition) this.children.push({ correlationId, definition, startData });
  }

  private async refusalTold(
    by: SimulatedProcess,
    work: () => Promise<Appended>,
  ): Promise<Appended> {
    try {
      return await work();
    } catch (refusal) {
      this.say(by.name, `was refused: ${String(refusal)}`);
      throw refusal;
    }
  }

  tookOver(by: SimulatedProcess, stream: StreamName, epoch: number): void {
    this.tookOverAt.set(by, this.time.now);
    const state = this.stateOf(stream);
    if (isStarted(state) && state.pause) {
      this.options.coverage.met('case', 'a paused run changed hands');
      this.takenInPause.set(stream, state.pause.since);
    }
    this.say(by.name, `took over ${stream}, epoch ${epoch}`);
  }

  /** What operators say of targets has come to a process. */
  followsTargets(by: SimulatedProcess, rules: readonly TargetRules[]): void {
    const before = this.pausedTargets.get(by);
    const paused = rules.filter(({ is_paused }) => is_paused);
    const since = (name: string): number => before?.get(name) ?? this.time.now;
    this.pausedTargets.set(
      by,
      new Map(paused.map(({ service_name: name }) => [name, since(name)] as const)),
    );
  }

  /** What operators say of definitions has come to a process. */
  followsDefinitions(by: SimulatedProcess, paused: readonly string[]): void {
    const before = this.pausedDefinitions.get(by);
    const since = (name: string): number => before?.get(name) ?? this.time.now;
    this.pausedDefinitions.set(by, new Map(paused.map((name) => [name, since(name)] as const)));
  }

  /** A process reads a stream. */
  reads(by: SimulatedProcess, stream: StreamName): void {
    this.readUpTo.set(`${by.name} ${stream}`, this.log.streams.get(stream)?.length ?? 0);
  }

  hasReadPurge(by: SimulatedProcess, stream: StreamName): boolean {
    const read = (this.log.streams.get(stream) ?? []).slice(
      0,
      this.readUpTo.get(`${by.name} ${stream}`) ?? 0,
    );
    return read.some(({ type }) => type === 'WorkflowPurged');
  }

  /** A run begins; whoever has known for a while that its definition is paused begins none. */
  private judgeStart(by: SimulatedProcess, { events: [first] }: Append): void {
    const event = first as RunEvent | undefined;
    if (event?.type !== 'WorkflowStarted' || by.wasSuspended) return;
    const { workflow_name, correlation_id, at } = event.data;
    const since = this.pausedDefinitions.get(by)?.get(workflow_name);
    if (since !== undefined && epochMs(at) > since + START_DECIDED_WITHIN_MS)
      this.accuse(
        `${by.name} begins ${correlation_id}, a run of ${workflow_name}, which is paused`,
      );
  }

  /** A call is about to leave a process. */
  sends(by: SimulatedProcess, correlationId: string, effect: CallEffect): void {
    const { purpose, step, attempt } = effect;
    const wrong = this.wrongWith(by, correlationId, effect);
    if (wrong)
      this.accuse(`${by.name} calls ${purpose} ${step} ${attempt} of ${correlationId}: ${wrong}`);
    this.books.send(correlationId, effect, by.name);
    this.say(by.name, `calls ${purpose} ${step} ${attempt} of ${correlationId}`);
  }

  private wrongWith(
    by: SimulatedProcess,
    correlationId: string,
    effect: CallEffect,
  ): string | undefined {
    const { step, attempt, purpose, reissued, service_name } = effect;
    const stream = this.streamOf(correlationId);
    const state = this.stateOf(stream);
    if (!isStarted(state)) return 'the run has not begun';
    if (!isTarget(this.known.of(state)?.compiled.steps.get(nameAt(step)), effect))
      return `${versionOf(state)} does not call ${service_name}${effect.endpoint} for it`;
    if (!by.wasSuspended && state.pause && this.takenInPause.get(stream) === state.pause.since)
      return 'the run was paused when it was taken over';
    const types = purpose === 'undo' ? UNDO_CALLS : STEP_CALLS;
    const recorded = this.eventsOf(correlationId).findLast(
      ({ type, data }) =>
        types.has(type) && 'attempt' in data && data.step === step && data.attempt === attempt,
    );
    if (!recorded) return 'its attempt was not recorded before';
    const { recorded_at } = recorded as unknown as RecordedEvent;
    const pausedSince = this.pausedTargets.get(by)?.get(service_name);
    if (pausedSince !== undefined && Date.parse(recorded_at) > pausedSince)
      return `${service_name} was paused before that was recorded`;
    // A monotonic clock that stood still makes a lease look younger than it is.
    if (by.wasSuspended) return undefined;
    const holder = this.log.holders.get(stream);
    if (!holder || this.owners.get(holder.owner) !== by) return 'another replica holds the run';
    if (purpose === 'undo' && state.compensation?.remaining[0] !== step)
      return 'it is not its turn';
    const calls = purpose === 'undo' ? state.compensation?.undo : state.steps.get(step);
    if (calls?.status !== 'calling') return `the log says ${calls?.status ?? 'nothing'} of it`;
    if (calls.isHeld) return 'the log says that it waits';
    const earlier = this.books
      .sentOf(correlationId, step, purpose)
      .filter((sent) => sent.attempt === attempt);
    if (earlier.length > 0 && !reissued && !calls.isDoubtful)
      return 'it was sent before, and nobody doubts';
    return calls.attempt === attempt ? undefined : `the log has attempt ${calls.attempt}`;
  }
}

export const storeUnavailable = (): Outcome<never> => ({
  fault: new EventStoreUnavailable('no answer in time'),
});

/** Whether a step is called, or undone, there. */
function isTarget(
  step: CompiledStep | undefined,
  { purpose, service_name, endpoint, method }: CallEffect,
): boolean {
  const call =
    step?.type !== 'service_call' ? undefined : purpose === 'step' ? step.call : step.undo;
  return (
    call?.service_name === service_name && call.endpoint === endpoint && call.method === method
  );
}

const STEP_CALLS: ReadonlySet<string> = new Set(['StepStarted', 'StepRetried']);
const UNDO_CALLS: ReadonlySet<string> = new Set(['UndoStarted', 'UndoRetried']);
