import type { JsonObject } from '@downbeat/eventsourcing';
import { NoAnswer, type QueryOutcome } from '@downbeat/message-bus';
import { logHintSubject } from '@downbeat/service-host';
import type { LogEvent } from '../stream/log-page';
import type { FakeBus } from './fake-bus';
import { LOG_NAME } from './host-settings';

interface Question {
  readonly stream?: string;
  readonly type?: string;
  readonly correlation_id?: string;
  readonly after_position?: number;
  readonly until_position?: number;
  readonly order?: string;
  readonly limit: number;
  readonly cursor?: string;
}

/** The audit context's answers about a log in memory. */
export class FakeLog {
  private readonly events: LogEvent[] = [];
  /** Each question that was asked, in order. */
  readonly asked: Question[] = [];
  isReachable = true;

  constructor(private readonly bus: FakeBus) {
    bus.onQuery = ({ subject, body }) => {
      if (!this.isReachable) throw new NoAnswer(subject, 'timed-out');
      return this.answer(body['input'] as unknown as Question);
    };
  }

  get head(): number {
    return this.events.length;
  }

  append(count: number, what: Partial<LogEvent> & { readonly correlationId?: string } = {}): void {
    const { correlationId = 'order-1', ...fields } = what;
    for (let at = 0; at < count; at++) {
      const position = this.head + 1;
      this.events.push({
        position,
        event_id: `e${position}`,
        context: 'registry',
        stream: 'service-billing',
        version: position,
        type: 'ServiceRegistered',
        schema_version: 1,
        data: { line: 'one\ntwo' },
        meta: { correlation_id: correlationId, causation_id: 'c', actor: 'anonymous' },
        recorded_at: '2026-03-01T09:30:00.000Z',
        commit_no: position,
        ...fields,
      });
    }
  }

  hint(): void {
    this.bus.hint(logHintSubject(LOG_NAME), { position: this.head } as JsonObject);
  }

  private answer(question: Question): QueryOutcome {
    this.asked.push(question);
    const { stream, type, correlation_id: correlationId } = question;
    const after = Math.max(question.after_position ?? 0, Number(question.cursor ?? 0));
    const found = this.events.filter(
      (event) =>
        event.position > after &&
        event.position <= (question.until_position ?? Infinity) &&
        (stream === undefined || event.stream === stream) &&
        (type === undefined || event.type === type) &&
        (correlationId === undefined || event.meta.correlation_id === correlationId),
    );
    if (question.order === 'desc') found.reverse();
    const events = found.slice(0, question.limit);
    const last = events.at(-1);
    const next = found.length > events.length && last ? { next_cursor: String(last.position) } : {};
    return { ok: true, position: this.head, data: { events, ...next } };
  }
}
