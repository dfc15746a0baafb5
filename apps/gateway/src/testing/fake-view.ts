import { NoAnswer, type Problem, type QueryOutcome } from '@downbeat/message-bus';
import { logHintSubject } from '@downbeat/service-host';
import type { FakeBus } from './fake-bus';
import { LOG_NAME } from './host-settings';

/** A view in memory behind every question, as a context answers it. */
export class FakeView {
  private position = 1;
  private logEnd = 1;
  private data: unknown = { services: [] };
  private logIsTold: Promise<void> | undefined;
  /** Answered instead, while it is there; what throws is thrown. */
  trouble: Problem | (() => never) | undefined;
  /** Nobody reads the log out. */
  isLogSilent = false;
  /** Where the log ended, each time it was read out. */
  readonly heads: number[] = [];
  /** It answers from where it is, whatever it is asked for. */
  isCareless = false;
  /** Asked so far, each with the position it had to hold. */
  readonly asked: number[] = [];

  constructor(private readonly bus: FakeBus) {
    bus.onQuery = ({ subject, body }) =>
      subject === 'query.audit.list-events' ? this.log() : this.answer(body['min_position']);
  }

  /** The log grows by an event of this context, and everybody is told. */
  append(data: unknown, contexts: readonly string[] = ['registry']): void {
    this.appendUnheard(data);
    this.hint(contexts);
  }

  appendUnheard(data: unknown): void {
    this.logEnd++;
    this.answerAsOf(this.logEnd, data);
  }

  /** The log is an older copy of itself. */
  restore(position: number, data: unknown): void {
    this.logEnd = position;
    this.answerAsOf(position, data);
  }

  /** What it answers from now on, wherever the log ends. */
  answerAsOf(position: number, data: unknown): void {
    this.position = position;
    this.data = data;
  }

  /**
   * From now on where the log ends is read at once, but told later.
   *
   * @returns Tells it.
   */
  holdLog(): () => void {
    let tell = (): void => undefined;
    this.logIsTold = new Promise((resolve) => (tell = resolve));
    return tell;
  }

  hint(contexts?: readonly string[]): void {
    this.hintOf(this.logEnd, contexts);
  }

  /** Of events that this view is not about. */
  hintOf(position: number, contexts?: readonly string[]): void {
    this.bus.hint(logHintSubject(LOG_NAME), {
      position,
      ...(contexts && { contexts: [...contexts] }),
    });
  }

  get head(): number {
    return this.logEnd;
  }

  private answer(least: unknown): QueryOutcome {
    this.asked.push(Number(least ?? 0));
    const { trouble } = this;
    if (typeof trouble === 'function') return trouble();
    if (trouble) return { ok: false, problem: trouble };
    if (Number(least ?? 0) > this.position && !this.isCareless)
      return { ok: false, problem: behind };
    return { ok: true, position: this.position, data: this.data };
  }

  private async log(): Promise<QueryOutcome> {
    if (this.isLogSilent) throw new NoAnswer('query.audit.list-events', 'nobody-answers');
    const position = this.logEnd;
    this.heads.push(position);
    await this.logIsTold;
    return { ok: true, position, data: { events: [{ position }] } };
  }
}

const behind: Problem = {
  code: 'projections/read-model-behind',
  message: 'it has not come so far',
  kind: 'unavailable',
};
