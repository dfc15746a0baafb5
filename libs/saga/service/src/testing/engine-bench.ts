import { MemoryEventStore, MemoryLeases, MemoryLog } from '@downbeat/event-store/testing';
import { instantOf, Rejection, type EventMeta, type Json } from '@downbeat/eventsourcing';
import type { CommandOutcome } from '@downbeat/message-bus';
import {
  RULES,
  workflowDefinitionStream,
  workflowStream,
  type ResolveIncident,
  type RetryWorkflow,
  type RunEvent,
} from '@downbeat/saga-domain';
import { definitionOf } from '@downbeat/saga-domain/testing';
import { accepted, refused, type Cause } from '@downbeat/service-host';
import { setImmediate as turn } from 'node:timers/promises';
import { Admission, type AdmissionOptions } from '../admission/admission';
import { DefinitionLibrary } from '../definitions/definition-library';
import { NoCrashPoints } from '../engine/crash-points';
import { RelativeUnreachable } from '../engine/errors';
import type { Word } from '../engine/family';
import type { OpenedIncident } from '../engine/opened-incidents';
import { Replica } from '../engine/replica';
import { RunEngine, type EngineOptions } from '../engine/run-engine';
import { workflowIdOf } from '../engine/workflow-id';
import { FakeServices } from './fake-services';
import { FaultyStore } from './faulty-store';

type Steps = Parameters<typeof definitionOf>[0];

/** One process of the saga app, without Nest, NATS and Postgres. */
export interface BenchReplica {
  readonly name: string;
  readonly replica: Replica;
  readonly engine: RunEngine;
  readonly store: FaultyStore;
  readonly leases: MemoryLeases;
  readonly library: DefinitionLibrary;
  readonly admission: Admission;
  readonly faults: unknown[];
  readonly incidents: OpenedIncident[];
}

/** Some replicas over one log in memory. Time is the test's: Jest's fake timers. */
export class EngineBench {
  readonly log = new MemoryLog(() => Date.now());
  readonly services = new FakeServices(this.log);
  readonly replicas: BenchReplica[] = [];
  /** Correlation ids of runs whose end was told. */
  readonly told: string[] = [];
  chance = () => 0;
  private readonly store = new MemoryEventStore(this.log, 'saga');
  private readonly crashed = new Set<BenchReplica>();

  /** @param advance Of Jest's fake timers. */
  constructor(private readonly advance: (ms: number) => Promise<void>) {}

  /** A replica that holds a lease and takes nothing over by itself. */
  async open({ admission: rules, ...options }: OpenOptions = {}): Promise<BenchReplica> {
    const name = `replica-${this.replicas.length + 1}`;
    const store = new FaultyStore(this.store);
    const leases = new MemoryLeases(this.log, 'saga');
    const library = new DefinitionLibrary(store);
    const faults: unknown[] = [];
    const incidents: OpenedIncident[] = [];
    const admission = new Admission({
      chance: () => this.chance(),
      now: () => Date.now(),
      ...rules,
    });
    const engine: RunEngine = new RunEngine({
      store,
      leases,
      library,
      targets: this.services.reachedFrom(name, () => replica.status().lives),
      clock: { now: () => Date.now() },
      crashPoints: new NoCrashPoints(),
      admission,
      chance: () => this.chance(),
      pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      onEnded: (correlationId) => void this.told.push(correlationId),
      onFault: (_, fault) => void faults.push(fault),
      onIncident: (incident) => void incidents.push(incident),
      ...options,
    });
    const replica: Replica = new Replica(leases, engine, new NoCrashPoints());
    const opened: BenchReplica = {
      name,
      replica,
      engine,
      store,
      leases,
      library,
      admission,
      faults,
      incidents,
    };
    engine.reachBy((word, cause) => this.reach(opened, word, cause));
    this.replicas.push(opened);
    await replica.renew();
    return opened;
  }

  /** As the bus would: wherever the run is held, or here. */
  private async reach(from: BenchReplica, word: Word, cause: Cause): Promise<CommandOutcome> {
    const holder = this.log.holders.get(workflowStream(word.data.workflow_id))?.owner;
    const there = this.replicas.find(({ replica }) => replica.status().owner === holder);
    const asked = holder === undefined ? from : there;
    if (!asked || this.crashed.has(asked)) throw new RelativeUnreachable('nobody answers');
    const result = await asked.engine.tell(word, { ...cause, answer: () => ({}) }, 'relative');
    if (result instanceof Rejection) return refused(result);
    return accepted(result.position, result.answer ?? {}, result.repeated);
  }

  async register(steps: Steps, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const definition = definitionOf(steps, more);
    const stream = workflowDefinitionStream(definition.name);
    const { name, version } = definition;
    const data = { name, version, checksum: version, definition, at: instantOf(Date.now()) };
    const { length: expected } = await this.store.load(stream);
    const events = [{ type: 'WorkflowDefinitionRegistered', data }];
    await this.store.append({ stream, expected, events, meta: metaOf('definition') });
  }

  /** Sends the command that starts a run of `book`, as the bus would: with an id of the command. */
  async start(on: BenchReplica, correlation_id: string, more: StartOptions = {}) {
    const { context_data = {}, commandId = `start-${correlation_id}`, traceparent, timeout } = more;
    const known = await on.library.find('book');
    if (!('checksum' in known)) throw new Error(known.message);
    const data = {
      workflow_name: 'book',
      correlation_id,
      initiating_service: 'shop',
      context_data,
      ...(timeout === undefined ? {} : { timeout_minutes: timeout }),
    };
    const workflow_id = workflowIdOf(correlation_id);
    return on.engine.start(
      {
        type: 'StartWorkflow',
        data,
        at: NEVER,
        workflow_id,
        checksum: known.checksum,
        rules: RULES,
      },
      known,
      {
        commandId,
        meta: { ...metaOf(commandId), ...(traceparent === undefined ? {} : { traceparent }) },
        answer: ({ status }) => ({ workflow_id, status }),
      },
    );
  }

  compensate(on: BenchReplica, correlation: string, commandId = `undo-${correlation}`) {
    const workflow_id = workflowIdOf(correlation);
    const data = { workflow_id, reason: 'the customer cancelled' };
    const asked = { commandId, meta: metaOf(commandId), answer: () => ({}) };
    return on.engine.tell({ type: 'CompensateWorkflow', data, at: NEVER }, asked);
  }

  signal(on: BenchReplica, correlation: string, signal: string, commandId: string) {
    const workflow_id = workflowIdOf(correlation);
    const data = { workflow_id, signal, payload: { commandId } };
    const asked = { commandId, meta: metaOf(commandId), answer: () => ({}) };
    return on.engine.tell({ type: 'SignalWorkflow', data, at: NEVER }, asked);
  }

  retry(on: BenchReplica, correlation: string, more: Partial<RetryWorkflow['data']> = {}) {
    const workflow_id = workflowIdOf(correlation);
    const data = { workflow_id, retry_strategy: 'failed_steps', ...more } as const;
    const commandId = `retry-${correlation}-${Date.now()}`;
    const asked = { commandId, meta: metaOf(commandId), answer: () => ({}) };
    return on.engine.tell({ type: 'RetryWorkflow', data, at: NEVER }, asked);
  }

  /** Resolves the open incident of a run. */
  resolve(
    on: BenchReplica,
    correlation: string,
    action: ResolveIncident['data']['action'],
    reason = 'by phone',
  ) {
    const opened = this.events(correlation).findLast(({ type }) => type === 'IncidentOpened');
    const incident_id = opened?.type === 'IncidentOpened' ? opened.data.incident_id : '';
    const commandId = `resolve-${incident_id}-${Date.now()}`;
    const asked = { commandId, meta: metaOf(commandId), answer: () => ({}) };
    const data = { incident_id, action, reason };
    return on.engine.tell({ type: 'ResolveIncident', data, at: NEVER }, asked);
  }

  pause(on: BenchReplica, correlation: string) {
    return this.tell(on, 'PauseWorkflow', correlation);
  }

  resume(on: BenchReplica, correlation: string) {
    return this.tell(on, 'ResumeWorkflow', correlation);
  }

  private tell(on: BenchReplica, type: 'PauseWorkflow' | 'ResumeWorkflow', correlation: string) {
    const commandId = `${type}-${correlation}-${Date.now()}`;
    const asked = { commandId, meta: metaOf(commandId), answer: () => ({}) };
    return on.engine.tell(
      { type, data: { workflow_id: workflowIdOf(correlation) }, at: NEVER },
      asked,
    );
  }

  /** Archives a run that has ended, and purges it. */
  async putAway(on: BenchReplica, correlation: string): Promise<void> {
    for (const type of ['ArchiveWorkflow', 'PurgeWorkflow'] as const) {
      const commandId = `${type}-${correlation}`;
      const asked = { commandId, meta: metaOf(commandId), answer: () => ({}) };
      const data = { workflow_id: workflowIdOf(correlation) };
      const done = await on.engine.tell({ type, data, at: NEVER }, asked);
      if (done instanceof Rejection) throw new Error(done.message);
    }
  }

  events(correlationId: string): readonly RunEvent[] {
    const stream = workflowStream(workflowIdOf(correlationId));
    return (this.log.streams.get(stream) ?? []) as unknown as RunEvent[];
  }

  types(correlationId: string): readonly string[] {
    return this.events(correlationId).map(({ type }) => type);
  }

  ends(correlationId: string): readonly string[] {
    const ends = ['WorkflowCompleted', 'WorkflowFailed', 'WorkflowCompensated'];
    return this.types(correlationId).filter((type) => ends.includes(type));
  }

  holderOf(correlationId: string): { readonly owner: string; readonly epoch: number } | undefined {
    return this.log.holders.get(workflowStream(workflowIdOf(correlationId)));
  }

  /** Falls silent between two lines, as a killed process does; nothing is resigned. */
  async crash(one: BenchReplica): Promise<void> {
    this.crashed.add(one);
    await one.replica.abandon();
  }

  /** Lets time pass, with all that is due in it; nobody renews a lease. */
  async pass(ms: number): Promise<void> {
    await this.advance(ms);
    await turn();
  }

  /** Lets time pass in which all replicas but the crashed ones renew their leases. */
  async live(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= BREATH_MS) {
      for (const { replica } of this.replicas.filter((one) => !this.crashed.has(one)))
        await replica.renew();
      await this.pass(Math.min(left, BREATH_MS));
    }
  }
}

export interface OpenOptions extends Omit<Partial<EngineOptions>, 'admission'> {
  readonly admission?: Partial<AdmissionOptions>;
}

export interface StartOptions {
  readonly context_data?: { readonly [key: string]: Json };
  readonly commandId?: string;
  readonly traceparent?: string;
  /** Minutes. */
  readonly timeout?: number;
}

const BREATH_MS = 500;
/** The engine's own clock says when a command came. */
const NEVER = instantOf(0);

const metaOf = (id: string): EventMeta => ({ correlation_id: id, causation_id: id, actor: 'test' });
