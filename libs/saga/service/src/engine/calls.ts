import type { CallEffect, CallResult } from '@downbeat/saga-domain';
import type { CallContext, TargetCaller } from '../targets/target-caller';
import type { CallGate } from './call-gate';
import type { CrashPoints } from './crash-points';

/** What the calls of a run need of it. */
export interface Caller {
  readonly targets: TargetCaller;
  readonly gate: CallGate;
  readonly crashPoints: CrashPoints;
  /** Asked when the call's turn has come; a call that is held back was not sent. */
  readonly mayCall: () => boolean;
  readonly context: () => CallContext;
  /** Returns when the answer is recorded, or never can be. */
  readonly onAnswer: (effect: CallEffect, result: CallResult) => Promise<void>;
  /** The call was held back, or its answer is lost: the log says what is still to be done. */
  readonly onUnanswered: () => void;
  readonly onDefect: (defect: unknown) => void;
}

/** The calls of one run that this process has under way until their answers are recorded. */
export class Calls {
  /** By key and attempt. */
  private readonly underWay = new Map<string, Promise<void>>();

  constructor(private readonly caller: Caller) {}

  /** Makes a call, unless this process is making that very call already. */
  make(effect: CallEffect): void {
    const id = `${effect.key}:${effect.attempt}`;
    if (this.underWay.has(id)) return;
    const answered = this.callAndAnswer(effect)
      .catch((defect: unknown) => {
        this.caller.onDefect(defect);
        return false;
      })
      .then((isAnswered) => {
        this.underWay.delete(id);
        if (!isAnswered) this.caller.onUnanswered();
      });
    this.underWay.set(id, answered);
  }

  /** Returns when every call under way now is answered and recorded. */
  async answered(): Promise<void> {
    await Promise.all(this.underWay.values());
  }

  private async callAndAnswer(effect: CallEffect): Promise<boolean> {
    const { gate, crashPoints } = this.caller;
    const kind = effect.purpose === 'undo' ? 'undo' : 'call';
    const turn = gate.enter(effect.service_name);
    if (turn) await turn;
    let result: CallResult;
    try {
      if (!this.caller.mayCall()) return false;
      crashPoints.reached(`${kind}.before-sending`);
      result = await this.call(effect);
    } finally {
      gate.leave(effect.service_name);
    }
    crashPoints.reached(`${kind}.after-answer`);
    await this.caller.onAnswer(effect, result);
    return true;
  }

  /** A caller that breaks its promise not to throw may have sent something. */
  private async call(effect: CallEffect): Promise<CallResult> {
    try {
      return await this.caller.targets.call(effect, this.caller.context());
    } catch (defect) {
      this.caller.onDefect(defect);
      return { kind: 'broken', message: 'the call met a defect of the engine' };
    }
  }
}
