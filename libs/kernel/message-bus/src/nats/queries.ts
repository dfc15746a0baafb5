import { Fault, type JsonObject } from '@downbeat/eventsourcing';
import { ErrorCode, NatsError, type Msg } from 'nats';
import type { BusLog } from '../bus-log';
import type { BusMetrics } from '../bus-metrics';
import type { Problem, QueryOutcome } from '../command-outcome';
import { NoAnswer } from '../errors';
import { HEADER, type MessageHeaders } from '../headers';
import type { QueryOptions } from '../message-bus';
import { oneLine } from '../one-line';
import { isInbox } from '../reply-address';
import { assertSendable, type Subjects } from '../subjects';
import { inConsumerSpan, traceHeaders } from '../tracing';
import { CONNECTION_WAIT_MS } from './command-sender';
import type { Connection } from './connection';
import { headersOf } from './nats-arrival';
import { asBusFault, natsHeaders } from './wire';

export const QUERY_TIMEOUT_MS = 5_000;
/** Questions being answered at once by one process; more are turned away, not queued. */
const ANSWERING_MAX = 512;
const QUEUE_GROUP = 'answers';

export type AnswerHandler = (
  payload: unknown,
  headers: MessageHeaders,
  subject: string,
) => Promise<QueryOutcome>;

/** Questions over core NATS request/reply. */
export class Queries {
  private answering = 0;

  constructor(
    private readonly connection: Connection,
    private readonly subjects: Subjects,
    private readonly metrics: BusMetrics,
    private readonly log: BusLog,
  ) {}

  async query(
    subject: string,
    payload: JsonObject,
    { timeoutMs = QUERY_TIMEOUT_MS, correlationId, traceparent }: QueryOptions = {},
  ): Promise<QueryOutcome> {
    assertSendable(subject);
    await this.connection.ready(Math.min(timeoutMs, CONNECTION_WAIT_MS));
    const headers = natsHeaders({
      ...(correlationId === undefined ? {} : { [HEADER.correlationId]: correlationId }),
      ...traceHeaders(traceparent),
    });
    this.metrics.queriesAsked++;
    try {
      const answer = await this.connection.nats.request(
        this.subjects.physical(subject),
        JSON.stringify(payload),
        { timeout: timeoutMs, headers },
      );
      return outcomeOf(subject, answer.string());
    } catch (fault) {
      this.metrics.queriesUnanswered++;
      throw unanswered(fault, subject);
    }
  }

  answer(subject: string, handle: AnswerHandler): void {
    this.connection.nats.subscribe(this.subjects.physical(subject), {
      queue: QUEUE_GROUP,
      callback: (fault, message) => {
        if (fault || !this.mayAnswer(message)) return;
        void this.respond(message, subject, handle);
      },
    });
  }

  /** Who asks without saying where to answer is answered nowhere; an answer goes to an inbox only. */
  private mayAnswer({ subject, reply }: Msg): boolean {
    if (!reply || isInbox(reply)) return true;
    this.metrics.queriesTurnedAway++;
    this.log.warn('a reply subject is no inbox', { subject, reply: oneLine(reply) });
    return false;
  }

  private async respond(message: Msg, subject: string, handle: AnswerHandler): Promise<void> {
    if (this.answering >= ANSWERING_MAX) {
      this.metrics.queriesTurnedAway++;
      this.send(message, subject, { ok: false, problem: BUSY });
      return;
    }
    this.answering++;
    const outcome = await this.outcome(message, subject, handle);
    this.answering--;
    this.metrics.queriesAnswered++;
    // It fails for an answer larger than the server takes, and for one that is no JSON.
    if (!this.send(message, subject, outcome))
      this.send(message, subject, { ok: false, problem: INTERNAL });
  }

  /** Never throws: nobody waits for what becomes of it but the asker. */
  private async outcome(
    message: Msg,
    subject: string,
    handle: AnswerHandler,
  ): Promise<QueryOutcome> {
    const payload = payloadOf(message);
    if (payload instanceof SyntaxError) return { ok: false, problem: malformed(payload) };
    const headers = headersOf(message.headers);
    try {
      return await inConsumerSpan(headers, subject, '', () =>
        handle(payload, headers, this.subjects.logical(message.subject)),
      );
    } catch (fault) {
      this.metrics.queryFailures++;
      this.log.error('a query failed', { subject, err: fault });
      return { ok: false, problem: problemOf(fault) };
    }
  }

  private send(message: Msg, subject: string, outcome: QueryOutcome): boolean {
    try {
      message.respond(JSON.stringify(outcome));
      return true;
    } catch (fault) {
      this.metrics.queryFailures++;
      this.log.error('an answer could not be sent', { subject, err: fault });
      return false;
    }
  }
}

function payloadOf(message: Msg): unknown {
  try {
    return message.data.length === 0 ? {} : JSON.parse(message.string());
  } catch (fault) {
    if (fault instanceof SyntaxError) return fault;
    throw fault;
  }
}

function outcomeOf(subject: string, text: string): QueryOutcome {
  const answer = JSON.parse(text) as Partial<QueryOutcome> | null;
  if (typeof answer?.ok !== 'boolean') throw new NoAnswer(subject, 'not-an-outcome');
  return answer as QueryOutcome;
}

function unanswered(fault: unknown, subject: string): unknown {
  if (fault instanceof SyntaxError) return new NoAnswer(subject, 'not-an-outcome');
  if (!(fault instanceof NatsError)) return fault;
  switch (fault.code) {
    case ErrorCode.NoResponders:
      return new NoAnswer(subject, 'nobody-answers');
    case ErrorCode.Timeout:
      return new NoAnswer(subject, 'timed-out');
  }
  return asBusFault(fault, subject);
}

const INTERNAL: Problem = {
  code: 'internal',
  message: 'the question could not be answered; the log says why',
  kind: 'internal',
};

const BUSY: Problem = {
  code: 'message-bus/too-many-queries',
  message: 'too many questions are being answered',
  kind: 'unavailable',
};

/** A fault's code is public; what it says is not. */
const problemOf = (fault: unknown): Problem =>
  fault instanceof Fault
    ? { ...INTERNAL, code: fault.code, kind: fault.remedy === 'retry' ? 'unavailable' : 'internal' }
    : INTERNAL;

const malformed = (fault: SyntaxError): Problem => ({
  code: 'malformed-body',
  message: oneLine(`body is not JSON: ${fault.message}`),
  kind: 'invalid',
  errors: [{ field: '', message: oneLine(`is not JSON: ${fault.message}`) }],
});
