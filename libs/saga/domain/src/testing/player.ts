import {
  epochMs,
  instantOf,
  Rejection,
  type Instant,
  type Json,
  type JsonObject,
} from '@downbeat/eventsourcing';
import type { CompiledDefinition } from '../definition/compiled';
import type { CallResult, ChildEnded, ResolveIncident, RunCommand } from '../run/commands';
import { runDecider, type RunDecider } from '../run/decide';
import { effectsOf, pendingEffects, type CallEffect, type Effect } from '../run/effects';
import type { HeldBecause, RunEvent } from '../run/events';
import { RULES } from '../run/rules-version';
import { heldCall } from '../run/timers';
import { isStarted, NOT_STARTED, type RunState } from '../run/state';

export const RUN_ID = '0198c2a4-7d1e-5c3b-9a52-3f1f0a9f3c11';
export const BEGIN = '2026-03-01T09:30:00.000Z' as Instant;

/** Of an incident that was never opened. */
const NO_INCIDENT = `${RUN_ID}:a:9`;

const effectKey = (effect: Effect): string =>
  'key' in effect ? effect.key : 'timer_id' in effect ? effect.timer_id : effect.effect;

/** They say something of a run and do not get it to move. */
const ASIDE: ReadonlySet<RunEvent['type']> = new Set([
  'WorkflowArchived',
  'WorkflowRestored',
  'WorkflowPurged',
  'WorkflowMigrated',
]);

/**
 * An engine without a world: keeps what is outstanding as an engine would, and leaves to the test
 * which answer comes next.
 */
export class Player {
  state: RunState = NOT_STARTED;
  readonly appends: (readonly RunEvent[])[] = [];
  readonly outstanding = new Map<string, Effect>();
  /** Every call in the order in which it was to be made. */
  readonly calls: CallEffect[] = [];
  decider: RunDecider;
  /** That it has gone by, by version. */
  readonly definitions = new Map<string, CompiledDefinition>();
  now = epochMs(BEGIN);
  chance = 0.5;
  /** Those of its runs; undefined: the first ones. */
  rules: number | undefined = RULES;

  constructor(public definition: CompiledDefinition) {
    this.decider = runDecider(definition);
    this.definitions.set(definition.version, definition);
  }

  get events(): readonly RunEvent[] {
    return this.appends.flat();
  }

  get status(): string {
    return this.state.status;
  }

  get at(): Instant {
    return instantOf(this.now);
  }

  start(context_data: JsonObject = {}, more: Readonly<Record<string, unknown>> = {}): this {
    this.say({
      type: 'StartWorkflow',
      at: this.at,
      workflow_id: RUN_ID,
      checksum: 'c0ffee',
      rules: this.rules,
      data: {
        workflow_name: this.definition.name,
        correlation_id: 'order-4711',
        initiating_service: 'shop',
        context_data: context_data as never,
        ...more,
      },
    });
    return this;
  }

  /** Decides, "appends", and does to the outstanding effects what an engine does. */
  say(command: RunCommand): Rejection | readonly RunEvent[] {
    const result = this.decider.transition(command, this.state);
    if (result instanceof Rejection) return result;
    this.state = result.state;
    if (result.events.length === 0) return result.events;
    this.appends.push(result.events);
    // Whoever gets a parked or ended run to move again has taken note of that.
    const isMoving = result.events.some(({ type }) => !ASIDE.has(type));
    if (isMoving) for (const note of ['parked', 'ended']) this.outstanding.delete(note);
    if (!isStarted(this.state) || !this.state.pause) this.outstanding.delete('paused');
    const isResuming = result.events.some(({ type }) => type === 'WorkflowResumed');
    for (const effect of effectsOf(this.definition, result.events, this.state))
      this.take(effect, isResuming);
    return result.events;
  }

  private take(effect: Effect, isResuming: boolean): void {
    if (effect.effect === 'cancel-timer') {
      const [kind, step] = effect.timer_id.split(':');
      if (kind === 'undo') this.outstanding.delete(`${RUN_ID}:${step ?? ''}:undo`);
      for (const [id, one] of this.outstanding)
        if (
          one.effect === 'call' &&
          one.purpose === 'step' &&
          heldCall(one.step, one.attempt) === effect.timer_id
        )
          this.outstanding.delete(id);
      return void this.outstanding.delete(effect.timer_id);
    }
    if (effect.effect === 'ended') this.outstanding.clear();
    if (effect.effect === 'paused')
      for (const [id, waiting] of this.outstanding)
        if (waiting.effect === 'set-timer' || (waiting.effect === 'call' && waiting.isHeld))
          this.outstanding.delete(id);
    if (effect.effect === 'run-child' && this.outstanding.has(effect.key) && !isResuming)
      throw new Error(`two runs with key ${effect.key}`);
    if (effect.effect === 'call') {
      // It is under way: an engine does not make it twice.
      if (this.outstanding.has(effect.key) && effect.reissued) return;
      if (this.outstanding.has(effect.key)) throw new Error(`two calls with key ${effect.key}`);
      this.calls.push(effect);
    }
    this.outstanding.set(effectKey(effect), effect);
  }

  /** The answer to the call under way of `name` (a step, or `<step>:undo`). */
  answer(name: string, result: CallResult): readonly RunEvent[] {
    const effect = this.outstanding.get(`${RUN_ID}:${name}`);
    if (effect?.effect !== 'call') throw new Error(`${name} is not being called`);
    this.outstanding.delete(effect.key);
    const { purpose, step, attempt, reissued } = effect;
    const events = this.say({
      type: 'CallAnswered',
      at: this.at,
      chance: this.chance,
      data: { purpose, step, attempt, result, reissued },
    });
    if (events instanceof Rejection) throw new Error(events.code);
    return events;
  }

  /** The run that stands for `name` has ended, or (`<step>:undo`) is undone. */
  child(
    name: string,
    status: ChildEnded['data']['status'],
    output: JsonObject = {},
  ): readonly RunEvent[] {
    const effect = this.outstanding.get(`${RUN_ID}:${name}`);
    if (effect?.effect !== 'run-child') throw new Error(`no run stands for ${name}`);
    this.outstanding.delete(effect.key);
    const { step, parent } = effect;
    const data = { workflow_id: parent.workflow_id, step, status, output, reason: 'why not' };
    return this.sure({ type: 'ChildEnded', at: this.at, data });
  }

  ok(name: string, output: JsonObject = {}): readonly RunEvent[] {
    return this.answer(name, { kind: 'ok', output });
  }

  status4xx(name: string, status = 409): readonly RunEvent[] {
    return this.answer(name, { kind: 'answer', status, message: 'no' });
  }

  timeout(name: string): readonly RunEvent[] {
    return this.answer(name, { kind: 'timeout', message: 'no answer within 30 s' });
  }

  /** The call under way of `name` waits in the engine. */
  hold(name: string, because: HeldBecause = 'breaker-open'): readonly RunEvent[] {
    const { purpose, step, attempt, reissued } = this.callOf(name, true);
    const doubt = reissued ? { reissued } : {};
    const data = { purpose, step, attempt, because, ...doubt } as const;
    return this.sure({ type: 'HoldCall', at: this.at, data });
  }

  /** Its turn has come. */
  release(name: string): readonly RunEvent[] {
    const { purpose, step, attempt } = this.callOf(name, false);
    return this.sure({ type: 'ReleaseCall', at: this.at, data: { purpose, step, attempt } });
  }

  private callOf(name: string, isHeld: boolean): CallEffect {
    const effect = this.outstanding.get(`${RUN_ID}:${name}`);
    if (effect?.effect !== 'call') throw new Error(`${name} is not being called`);
    this.outstanding.set(effect.key, { ...effect, isHeld });
    return effect;
  }

  private sure(command: RunCommand): readonly RunEvent[] {
    const events = this.say(command);
    if (events instanceof Rejection) throw new Error(events.code);
    return events;
  }

  /** Lets a timer come due. */
  due(timer_id: string): readonly RunEvent[] {
    const effect = this.outstanding.get(timer_id);
    if (effect?.effect !== 'set-timer') throw new Error(`no timer ${timer_id}`);
    this.outstanding.delete(timer_id);
    this.now = Math.max(this.now, epochMs(effect.due));
    const events = this.say({ type: 'TimerDue', at: this.at, data: { timer_id } });
    if (events instanceof Rejection) throw new Error(events.code);
    return events;
  }

  compensate(more: Readonly<Record<string, unknown>> = {}): Rejection | readonly RunEvent[] {
    return this.say({
      type: 'CompensateWorkflow',
      at: this.at,
      data: { workflow_id: RUN_ID, reason: 'the customer cancelled', ...more },
    });
  }

  retry(more: Readonly<Record<string, unknown>> = {}): Rejection | readonly RunEvent[] {
    return this.say({
      type: 'RetryWorkflow',
      at: this.at,
      data: { workflow_id: RUN_ID, retry_strategy: 'failed_steps', ...more },
    });
  }

  signal(signal: string, payload: Json = {}): Rejection | readonly RunEvent[] {
    const data = { workflow_id: RUN_ID, signal, payload };
    return this.say({ type: 'SignalWorkflow', at: this.at, data });
  }

  /** A person resolves the open incident, or the one that is named. */
  resolve(
    action: ResolveIncident['data']['action'],
    more: Readonly<Record<string, unknown>> = {},
  ): Rejection | readonly RunEvent[] {
    const incident_id = isStarted(this.state) ? (this.state.incident?.id ?? NO_INCIDENT) : '';
    return this.say({
      type: 'ResolveIncident',
      at: this.at,
      data: { incident_id, action, ...(action === 'retry' ? {} : { reason: 'by phone' }), ...more },
    });
  }

  pause(): Rejection | readonly RunEvent[] {
    return this.say({ type: 'PauseWorkflow', at: this.at, data: { workflow_id: RUN_ID } });
  }

  resume(): Rejection | readonly RunEvent[] {
    return this.say({ type: 'ResumeWorkflow', at: this.at, data: { workflow_id: RUN_ID } });
  }

  archive(): Rejection | readonly RunEvent[] {
    const data = { workflow_id: RUN_ID, started_position: 7 };
    return this.say({ type: 'ArchiveWorkflow', at: this.at, data });
  }

  purge(): Rejection | readonly RunEvent[] {
    return this.say({ type: 'PurgeWorkflow', at: this.at, data: { workflow_id: RUN_ID } });
  }

  /** An operator has it go on by another version, which an engine follows from then on. */
  migrate(definition: CompiledDefinition): Rejection | readonly RunEvent[] {
    const data = { workflow_id: RUN_ID, to_version: definition.version, reason: 'a better one' };
    const checksum = `sum of ${definition.version}`;
    const type = 'MigrateWorkflow';
    const result = this.say({ type, at: this.at, data, definition, checksum });
    if (result instanceof Rejection) return result;
    this.definition = definition;
    this.definitions.set(definition.version, definition);
    this.decider = runDecider(definition);
    return result;
  }

  /** Another process takes over: only the log survives. */
  crash(): this {
    this.state = this.events.reduce(this.decider.evolve, NOT_STARTED as RunState);
    this.outstanding.clear();
    for (const effect of pendingEffects(this.definition, this.state))
      this.outstanding.set(effectKey(effect), effect);
    return this;
  }

  /** Steps under call, undos as `<step>:undo`. */
  get calling(): readonly string[] {
    return [...this.outstanding.values()].flatMap((effect) =>
      effect.effect === 'call' ? [effect.key.slice(RUN_ID.length + 1)] : [],
    );
  }

  /** Steps that another run stands for, undos as `<step>:undo`. */
  get children(): readonly string[] {
    return [...this.outstanding.values()].flatMap((effect) =>
      effect.effect === 'run-child' ? [effect.key.slice(RUN_ID.length + 1)] : [],
    );
  }

  get timers(): readonly string[] {
    return [...this.outstanding.values()].flatMap((effect) =>
      effect.effect === 'set-timer' ? [effect.timer_id] : [],
    );
  }

  /** Steps whose undo was called at least once, in the order of the first calls. */
  get undone(): readonly string[] {
    return [...new Set(this.calls.flatMap((made) => (made.purpose === 'undo' ? [made.step] : [])))];
  }
}
