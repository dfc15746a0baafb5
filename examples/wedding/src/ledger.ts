import { randomUUID } from 'node:crypto';
import type { CallLog, CallRecord } from './call-log';
import {
  refused,
  type Book,
  type Decision,
  type Entry,
  type Input,
  type Participant,
} from './participant';

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * A participant's state: folded from its log when it starts, then kept beside it. The same key
 * gets the same answer, and its effect once, over restarts too.
 */
export class Ledger implements Book {
  private readonly entries = new Map<string, Entry>();
  private readonly slots = new Map<string, string>();
  private readonly answers = new Map<string, CallRecord>();

  constructor(
    private readonly participant: Participant,
    private readonly log: CallLog,
  ) {
    for (const record of log.records) this.fold(record);
  }

  entry(key: string): Entry | undefined {
    return this.entries.get(key);
  }

  occupant(slot: string): Entry | undefined {
    const key = this.slots.get(slot);
    return key === undefined ? undefined : this.entries.get(key);
  }

  all(): readonly Entry[] {
    return [...this.entries.values()];
  }

  /** Decides, records, answers: in this order, and without anything in between. */
  call(operation: string, key: string, input: Input, fault?: string): Answer {
    const record = { operation, key, input, ...(fault !== undefined && { fault }) };
    const first = this.answers.get(`${operation} ${key}`);
    if (first && !isSameInput(first.input, input)) {
      const decision = refused(422, 'key-reused', 'the key was used for another request before');
      this.append(record, decision);
      return decision;
    }
    if (first) {
      const answer = { status: first.status, body: first.answer ?? {} };
      this.append(record, { ...answer, outcome: 'replayed' });
      return answer;
    }
    const decide = this.participant.operations.get(operation);
    if (!decide) return refused(404, 'unknown-operation', `there is no ${operation}`);
    const decision = decide(this, input, randomUUID());
    this.fold(this.append(record, decision));
    return decision;
  }

  /** Records a call that a planted fault kept from having an effect. */
  recordFailure(operation: string, key: string, input: Input, fault: string, status: number): void {
    this.append({ operation, key, input, fault }, { outcome: 'failed', status, body: {} });
  }

  private append(
    call: Pick<CallRecord, 'operation' | 'key' | 'input'> & { readonly fault?: string },
    decision: Omit<Decision, 'outcome'> & Pick<CallRecord, 'outcome'>,
  ): CallRecord {
    return this.log.append({
      service: this.participant.name,
      ...call,
      booking_id: String(call.input['booking_id'] ?? ''),
      outcome: decision.outcome,
      status: decision.status,
      answer: decision.body,
      ...(decision.entry && { entry: decision.entry }),
    });
  }

  private fold(record: CallRecord): void {
    const isAnswer = record.outcome !== 'replayed' && record.outcome !== 'failed';
    const place = `${record.operation} ${record.key}`;
    if (isAnswer && !this.answers.has(place)) this.answers.set(place, record);
    const { entry } = record;
    if (!entry) return;
    const before = this.entries.get(entry.key);
    if (before?.slot !== undefined) this.slots.delete(before.slot);
    if (entry.slot !== undefined) this.slots.set(entry.slot, entry.key);
    this.entries.set(entry.key, entry);
  }
}

const isSameInput = (one: Input, other: Input): boolean => canonical(one) === canonical(other);

const canonical = (input: Input): string =>
  JSON.stringify(Object.entries(input).sort(([one], [other]) => (one < other ? -1 : 1)));
