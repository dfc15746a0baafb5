import type { MemoryLog } from '@downbeat/event-store/testing';
import {
  evolveRun,
  NOT_STARTED,
  workflowStream,
  type CallEffect,
  type CallResult,
  type RunEvent,
} from '@downbeat/saga-domain';
import { TargetCaller, type CallContext } from '../targets/target-caller';

export interface MadeCall extends CallEffect, CallContext {
  readonly replica: string;
  /** Of the replica. */
  readonly life: number;
}

/** The services of all runs, and what they were asked; they look into the log when they are called. */
export class FakeServices {
  readonly calls: MadeCall[] = [];
  /** Calls that should not have been made, and why. */
  readonly wrongs: string[] = [];
  answerTo: (call: MadeCall) => CallResult | Promise<CallResult> = () => ({
    kind: 'ok',
    output: {},
  });

  constructor(private readonly log: MemoryLog) {}

  /** As one replica reaches them. */
  reachedFrom(replica: string, lifeOf: () => number): TargetCaller {
    return new Reach(replica, lifeOf, this);
  }

  /** `pay`, or `pay:undo`, once per call. */
  get named(): readonly string[] {
    return this.calls.map(({ key }) => key.slice(key.indexOf(':') + 1));
  }

  async take(call: MadeCall): Promise<CallResult> {
    const wrong = this.whatIsWrongWith(call);
    this.calls.push(call);
    if (wrong !== undefined) this.wrongs.push(`${call.key} ${call.attempt}: ${wrong}`);
    return this.answerTo(call);
  }

  private whatIsWrongWith(call: MadeCall): string | undefined {
    const { key, step, attempt, purpose } = call;
    if (this.calls.some((made) => isSame(made, call))) return 'the same process has made it before';
    const [id = ''] = key.split(':');
    const events = (this.log.streams.get(workflowStream(id)) ?? []) as unknown as RunEvent[];
    const state = events.reduce(evolveRun, NOT_STARTED);
    if (!('steps' in state)) return 'the run has not begun';
    const calls = purpose === 'undo' ? state.compensation?.undo : state.steps.get(step);
    if (purpose === 'undo' && state.compensation?.remaining[0] !== step) return 'not its turn';
    if (calls?.status !== 'calling') return `the log says ${calls?.status ?? 'nothing'} of it`;
    return calls.attempt === attempt ? undefined : `the log has attempt ${calls.attempt}`;
  }
}

const isSame = (one: MadeCall, other: MadeCall): boolean =>
  one.key === other.key &&
  one.attempt === other.attempt &&
  one.replica === other.replica &&
  one.life === other.life;

class Reach extends TargetCaller {
  constructor(
    private readonly replica: string,
    private readonly lifeOf: () => number,
    private readonly services: FakeServices,
  ) {
    super();
  }

  call(effect: CallEffect, context: CallContext): Promise<CallResult> {
    const { replica } = this;
    return this.services.take({ ...effect, ...context, replica, life: this.lifeOf() });
  }
}
