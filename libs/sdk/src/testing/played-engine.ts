import { epochMs, instantOf, Rejection, type Json, type JsonObject } from '@downbeat/eventsourcing';
import {
  RULES,
  effectsOf,
  isStarted,
  NOT_STARTED,
  runDecider,
  type CallEffect,
  type CallResult,
  type ChildEffect,
  type CompiledDefinition,
  type Effect,
  type RunCommand,
  type RunDecider,
  type RunEvent,
  type RunState,
} from '@downbeat/saga-domain';
import type { PlayedCall, PlayedRun } from './played-run';
import type { ScriptedAnswer } from './scripted-answer';

const RUN_ID = '00000000-0000-4000-8000-000000000000';
/** What a workflow can do in one run is bounded by its definition; more is a defect of ours. */
const TURNS_MAX = 1_000_000;

interface Due {
  readonly atMs: number;
  /** Of two that are due at once the one that was set first comes first. */
  readonly number: number;
  readonly command: () => RunCommand;
}

/** What a step is answered: by a service, or by the run that stands for it and was played. */
export type PlayedAnswer = ScriptedAnswer | { readonly kind: 'ran'; readonly run: PlayedRun };

/** Somebody sends it to the run. */
export interface ScriptedSignal {
  readonly signal: string;
  readonly payload: Json;
  /** Since the start. */
  readonly atMs: number;
}

/** An engine without a world: effects become entries of an agenda, and time jumps to the next one. */
export class PlayedEngine {
  private readonly decider: RunDecider;
  private state: RunState = NOT_STARTED;
  private nowMs = 0;
  private arrivals = 0;
  private readonly agenda = new Map<string, Due>();
  private readonly events: RunEvent[] = [];
  private readonly calls: PlayedCall[] = [];
  private readonly children: PlayedRun['children'][number][] = [];
  private readonly refusedSignals: PlayedRun['refusedSignals'][number][] = [];
  private isParked = false;

  constructor(
    private readonly definition: CompiledDefinition,
    private readonly answerTo: (name: string, attempt: number, input: JsonObject) => PlayedAnswer,
    private readonly signals: readonly ScriptedSignal[] = [],
  ) {
    this.decider = runDecider(definition);
  }

  play(context_data: JsonObject): PlayedRun {
    this.say({
      type: 'StartWorkflow',
      at: instantOf(0),
      workflow_id: RUN_ID,
      checksum: 'test',
      rules: RULES,
      data: {
        workflow_name: this.definition.name,
        correlation_id: 'test',
        initiating_service: 'test',
        context_data: context_data as never,
      },
    });
    // What ended at once hears none.
    if (this.state.status === 'running') this.signals.forEach((one) => this.send(one));
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      const next = this.next();
      if (!next) return this.played();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.say(next.command());
    }
    throw new Error(`the run did not come to an end within ${TURNS_MAX} turns`);
  }

  private next(): Due | undefined {
    let first: { readonly id: string; readonly due: Due } | undefined;
    for (const [id, due] of this.agenda)
      if (
        !first ||
        due.atMs < first.due.atMs ||
        (due.atMs === first.due.atMs && due.number < first.due.number)
      )
        first = { id, due };
    if (first) this.agenda.delete(first.id);
    return first?.due;
  }

  private send({ signal, payload, atMs }: ScriptedSignal): void {
    const data = { workflow_id: RUN_ID, signal, payload };
    const command = () => ({ type: 'SignalWorkflow' as const, at: this.at, data });
    this.put(`signal ${this.arrivals}`, atMs, command);
  }

  private say(command: RunCommand): void {
    const result = this.decider.transition(command, this.state);
    if (result instanceof Rejection) {
      if (command.type !== 'SignalWorkflow') throw new Error(result.message);
      const { signal } = command.data;
      const { code, message } = result;
      return void this.refusedSignals.push({ signal, atMs: this.nowMs, code, message });
    }
    this.state = result.state;
    this.events.push(...result.events);
    for (const effect of effectsOf(this.definition, result.events, result.state)) this.take(effect);
  }

  private take(effect: Effect): void {
    switch (effect.effect) {
      case 'call':
        return this.call(effect);
      case 'run-child':
        return this.child(effect);
      case 'tell-parent': // A played run is no step of another.
        return;
      case 'set-timer': {
        const { timer_id } = effect;
        return this.put(timer_id, epochMs(effect.due), () => ({
          type: 'TimerDue',
          at: this.at,
          data: { timer_id },
        }));
      }
      case 'cancel-timer':
        return void this.agenda.delete(effect.timer_id);
      case 'parked':
        this.isParked = true;
        return this.agenda.clear();
      case 'paused': // Nobody pauses a played run.
      case 'ended':
        return this.agenda.clear();
    }
  }

  private call(effect: CallEffect): void {
    const { purpose, step, attempt, reissued, service_name, endpoint, input, timeoutMs } = effect;
    const name = purpose === 'undo' ? `${step}:undo` : step;
    this.calls.push({ step: name, attempt, service_name, endpoint, input, atMs: this.nowMs });
    const answer = this.answerTo(name, attempt, input);
    if (answer.kind === 'ran') throw new Error(`${name} is no run`);
    const isLate = answer.kind === 'is-silent' || (answer.afterMs ?? 0) > timeoutMs;
    const result: CallResult = isLate
      ? { kind: 'timeout', message: `no answer within ${timeoutMs} ms` }
      : resultOf(answer);
    this.put(effect.key, this.nowMs + (isLate ? timeoutMs : (answer.afterMs ?? 0)), () => ({
      type: 'CallAnswered',
      at: this.at,
      chance: 0.5,
      data: { purpose, step, attempt, result, reissued },
    }));
  }

  /** A sub-workflow is scripted like a service; what is not an answer fails it for sure. */
  private child(effect: ChildEffect): void {
    const { purpose, step, attempt, workflow_name, context_data: input } = effect;
    const name = purpose === 'undo' ? `${step}:undo` : step;
    const call = { step: name, attempt, service_name: workflow_name, endpoint: '', input };
    this.calls.push({ ...call, atMs: this.nowMs });
    const answer = this.answerTo(name, attempt, input);
    if (answer.kind === 'ran') this.children.push({ step, run: answer.run });
    const ended = answer.kind === 'ran' ? endOf(answer.run) : endAsScripted(answer);
    if (!ended) return;
    const { result, afterMs } = ended;
    this.put(effect.key, this.nowMs + afterMs, () => ({
      type: 'CallAnswered',
      at: this.at,
      chance: 0.5,
      data: { purpose, step, attempt, result, reissued: false },
    }));
  }

  private put(id: string, atMs: number, command: () => RunCommand): void {
    this.agenda.set(id, { atMs, number: this.arrivals++, command });
  }

  private get at() {
    return instantOf(this.nowMs);
  }

  private played(): PlayedRun {
    const { state, events, calls } = this;
    if (!isStarted(state)) throw new Error('the run did not begin');
    const stepsOf = (type: RunEvent['type']) =>
      events.flatMap((event) =>
        event.type === type && 'step' in event.data ? [event.data.step ?? ''] : [],
      );
    return {
      status: this.statusOf(state.status),
      reason: state.halt?.reason,
      context: state.context,
      calls,
      called: calls.map(({ step }) => step),
      completed: stepsOf('StepCompleted'),
      undone: stepsOf('StepCompensated'),
      timeline: events.map(({ type, data }) =>
        'step' in data && data.step !== undefined ? `${type} ${data.step}` : type,
      ),
      elapsedMs: this.nowMs,
      refusedSignals: this.refusedSignals,
      children: this.children,
    };
  }

  private statusOf(status: RunState['status']): PlayedRun['status'] {
    if (this.isParked) return 'parked';
    if (status === 'completed' || status === 'failed' || status === 'compensated') return status;
    throw new Error(`nothing is outstanding, and the run is ${status}`);
  }
}

interface Ended {
  readonly result: CallResult;
  readonly afterMs: number;
}

/** Undefined: it never says anything. */
function endAsScripted(answer: ScriptedAnswer): Ended | undefined {
  if (answer.kind === 'is-silent') return undefined;
  const { afterMs = 0 } = answer;
  const scripted = resultOf(answer);
  if (scripted.kind === 'ok') return { result: scripted, afterMs };
  const message = `the sub-workflow failed: ${scripted.message}`;
  return { result: { kind: 'refused', message }, afterMs };
}

/** A run that waits for a person does not end. */
function endOf({ status, context, reason = '', elapsedMs: afterMs }: PlayedRun): Ended | undefined {
  if (status === 'parked') return undefined;
  if (status === 'completed')
    return { result: { kind: 'ok', output: context as JsonObject }, afterMs };
  return {
    result: { kind: 'refused', message: `the sub-workflow is ${status}: ${reason}` },
    afterMs,
  };
}

function resultOf(answer: ScriptedAnswer): CallResult {
  switch (answer.kind) {
    case 'answers':
      return { kind: 'ok', output: answer.output };
    case 'refuses': {
      const { status, message, retryAfterMs } = answer;
      const later = retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs };
      return { kind: 'answer', status, message, ...later };
    }
    case 'is-down':
      return { kind: 'refused', message: 'the connection was refused' };
    case 'breaks-off':
      return { kind: 'broken', message: 'the connection broke' };
    case 'is-silent':
      return { kind: 'timeout', message: 'no answer' };
  }
}
