import {
  heldCall,
  type CallEffect,
  type CallResult,
  type HeldBecause,
} from '@downbeat/saga-domain';
import type { Ticket } from '../admission/call-request';
import type { CallContext } from '../targets/target-caller';
import type { RunSurroundings } from './surroundings';

/** A call that waits for longer is recorded as held: from then on it is certain that it was not sent. */
const HOLD_AFTER_MS = 1_000;

/** What calls need of the engine; one object for all runs, since a copy for each is paid by each. */
export type CallPorts = Pick<RunSurroundings, 'targets' | 'admission' | 'crashPoints'>;

/** What the calls of a run need of it. */
export interface Caller {
  /** Asked when the call's turn has come; a call that is held back was not sent. */
  readonly mayCall: () => boolean;
  readonly context: () => CallContext;
  /** Returns when it is recorded that the call waits, unsent. */
  readonly onHeld: (effect: CallEffect, because: HeldBecause) => Promise<void>;
  /** Returns when it is recorded that the call goes now; false when nobody wants it any more. */
  readonly onReleased: (effect: CallEffect) => Promise<boolean>;
  /** Returns when the answer is recorded, or never can be. */
  readonly onAnswer: (effect: CallEffect, result: CallResult) => Promise<void>;
  /** The call was held back, or its answer is lost: the log says what is still to be done. */
  readonly onUnanswered: () => void;
  readonly onDefect: (defect: unknown) => void;
}

interface UnderWay {
  readonly ticket: Ticket;
  readonly answered: Promise<void>;
  /** Asked for once more after it was given up, or while it was recorded that it goes. */
  isAskedAgain: boolean;
}

/** The calls of one run that this process has under way until their answers are recorded. */
export class Calls {
  /** By step and attempt. */
  private readonly underWay = new Map<string, UnderWay>();
  /** Those that are recorded as waiting, or about to be. */
  private readonly held = new Set<string>();

  private isDraining = false;

  constructor(
    private readonly ports: CallPorts,
    private readonly caller: Caller,
  ) {}

  /**
   * Makes a call when its turn comes, unless this process is making that very call already. One that was
   * given up meanwhile may still be about to be recorded as held: what is to be done is seen after that.
   */
  make(effect: CallEffect): void {
    const id = idOf(effect);
    const present = this.underWay.get(id);
    if (present) {
      present.isAskedAgain = true;
      return;
    }
    const { service_name: service, priority, limitKey, key: label } = effect;
    const ticket = this.ports.admission.enter({ service, priority, key: limitKey, label });
    const answered = this.callAndAnswer(effect, ticket)
      .catch((defect: unknown) => {
        this.caller.onDefect(defect);
        return false;
      })
      .then((isDone) => {
        const isAskedAgain = this.underWay.get(id)?.isAskedAgain;
        this.underWay.delete(id);
        this.held.delete(id);
        const isOver = isDone ?? !isAskedAgain;
        if (!isOver) this.caller.onUnanswered();
      });
    this.underWay.set(id, { ticket, answered, isAskedAgain: false });
  }

  /** Gives up what the log says waits for its turn; whoever resumes the run begins to wait anew. */
  giveUpHeld(): void {
    for (const id of this.held) this.giveUp(id);
  }

  /** Gives up a call that waits for its turn; one that was sent goes on. */
  giveUp(id: string): void {
    const call = this.underWay.get(id);
    if (!call) return;
    call.isAskedAgain = false;
    this.ports.admission.drop(call.ticket);
  }

  /** The same for all of them. */
  giveUpAll(): void {
    for (const id of this.underWay.keys()) this.giveUp(id);
  }

  /** Sends nothing more; returns when every call under way now is answered and recorded. */
  async drained(): Promise<void> {
    this.isDraining = true;
    await Promise.all([...this.underWay.values()].map(({ answered }) => answered));
  }

  /** @returns False: it was not sent, or nobody will learn its answer; undefined: it was given up. */
  private async callAndAnswer(effect: CallEffect, ticket: Ticket): Promise<boolean | undefined> {
    const { admission, crashPoints } = this.ports;
    const kind = effect.purpose === 'undo' ? 'undo' : 'call';
    let result: CallResult | undefined;
    try {
      const isWanted = ticket.turn || effect.isHeld ? await this.turn(effect, ticket) : true;
      if (!isWanted) return undefined;
      if (!this.mayCall()) return false;
      crashPoints.reached(`${kind}.before-sending`);
      result = await this.call(effect);
      if (!result) return false;
    } finally {
      admission.leave(ticket, result);
    }
    crashPoints.reached(`${kind}.after-answer`);
    await this.caller.onAnswer(effect, result);
    return true;
  }

  /** Once more when the request is written: a process that was frozen in between may have lost the run. */
  private readonly mayCall = (): boolean => !this.isDraining && this.caller.mayCall();

  /** Waits for the call's turn; what waits for long is recorded, and then also that it goes. */
  private async turn(effect: CallEffect, ticket: Ticket): Promise<boolean> {
    let isHeld = effect.isHeld;
    if (isHeld) this.held.add(idOf(effect));
    if (ticket.turn) {
      let mayGo = isHeld ? await ticket.turn : await within(ticket.turn, HOLD_AFTER_MS);
      if (mayGo === undefined) {
        this.held.add(idOf(effect));
        await this.caller.onHeld(effect, this.ports.admission.because(ticket));
        isHeld = true;
        mayGo = await ticket.turn;
      }
      if (!mayGo) return false;
    }
    this.held.delete(idOf(effect));
    if (!isHeld) return true;
    const present = this.underWay.get(idOf(effect));
    if (present) present.isAskedAgain = false;
    return this.caller.onReleased(effect);
  }

  /** A caller that breaks its promise not to throw may have sent something. */
  private async call(effect: CallEffect): Promise<CallResult | undefined> {
    try {
      const context = { ...this.caller.context(), mayCall: this.mayCall };
      return await this.ports.targets.call(effect, context);
    } catch (defect) {
      this.caller.onDefect(defect);
      return { kind: 'broken', message: 'the call met a defect of the engine' };
    }
  }
}

const idOf = ({ purpose, step, attempt, key }: CallEffect): string =>
  purpose === 'step' ? heldCall(step, attempt) : `${key}:${attempt}`;

/** @returns Undefined when `answer` has not come by then. */
async function within<Answer>(answer: Promise<Answer>, ms: number): Promise<Answer | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  const first = await Promise.race([answer, late]);
  clearTimeout(timer);
  return first;
}
