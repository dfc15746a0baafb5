import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@downbeat/eventsourcing';
import type { Msg } from 'nats';
import type { BusMetrics } from '../bus-metrics';
import type { CommandOutcome } from '../command-outcome';
import { BusUnavailable, NoOutcome } from '../errors';
import { cloudEventHeaders, HEADER, type MessageHeaders } from '../headers';
import type { CommandOptions } from '../message-bus';
import { assertSendable, type Subjects } from '../subjects';
import { traceHeaders } from '../tracing';
import type { Connection } from './connection';
import { outcomeFrom } from './outcome-text';
import { asBusFault, natsHeaders } from './wire';

export const COMMAND_TIMEOUT_MS = 10_000;
/** How long a command waits for a broken connection before it is refused. */
export const CONNECTION_WAIT_MS = 2_000;
const PENDING_MAX = 20_000;
/** After a reconnection the stream may have to be made again first, which takes longer on a busy machine. */
const RESEND_AFTER_MS = [0, 1_000, 3_000, 7_000];

interface PendingCommand {
  readonly publish: () => void;
  readonly settle: (outcome: CommandOutcome | Error) => void;
  readonly giveUp: () => void;
  sends: number;
}

/**
 * Sends commands and waits for their outcomes, on one inbox for the whole process. A command that
 * waits while the connection breaks is sent again with its id, which makes that harmless.
 */
export class CommandSender {
  private readonly inbox: string;
  private readonly pending = new Map<string, PendingCommand>();
  private lastToken = 0;

  constructor(
    private readonly connection: Connection,
    private readonly subjects: Subjects,
    private readonly source: string,
    private readonly metrics: BusMetrics,
  ) {
    this.inbox = connection.newInbox();
    connection.nats.subscribe(`${this.inbox}.*`, {
      callback: (fault, message) => {
        if (!fault) this.receive(message);
      },
    });
    connection.onReconnect(() => {
      for (const delayMs of RESEND_AFTER_MS) setTimeout(() => this.resend(), delayMs).unref();
    });
    void connection.nats.closed().then(() => {
      for (const pending of this.pending.values()) pending.giveUp();
    });
  }

  async send(
    subject: string,
    body: JsonObject,
    options: CommandOptions = {},
  ): Promise<CommandOutcome> {
    assertSendable(subject);
    const timeoutMs = options.timeoutMs ?? COMMAND_TIMEOUT_MS;
    await this.connection.ready(Math.min(timeoutMs, CONNECTION_WAIT_MS));
    if (this.pending.size >= PENDING_MAX)
      throw new BusUnavailable(`${PENDING_MAX} commands wait for their outcome already`);

    const token = String(++this.lastToken);
    const reply = `${this.inbox}.${token}`;
    const id = options.id ?? randomUUID();
    const headers = natsHeaders(this.headersOf(subject, id, reply, options));
    const text = JSON.stringify(body);
    const publish = (): void =>
      this.connection.nats.publish(this.subjects.physical(subject), text, { headers, reply });
    try {
      return await this.outcomeOf(
        token,
        publish,
        () => new NoOutcome(subject, id, timeoutMs),
        timeoutMs,
      );
    } catch (fault) {
      if (fault instanceof NoOutcome) this.metrics.commandsWithoutOutcome++;
      throw asBusFault(fault, subject);
    } finally {
      this.pending.delete(token);
    }
  }

  private outcomeOf(
    token: string,
    publish: () => void,
    tooLate: () => NoOutcome,
    timeoutMs: number,
  ): Promise<CommandOutcome> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: CommandOutcome | Error): void => {
        clearTimeout(timer);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      const giveUp = (): void => settle(tooLate());
      const timer = setTimeout(giveUp, timeoutMs);
      this.pending.set(token, { publish, settle, giveUp, sends: 1 });
      this.metrics.commandsSent++;
      try {
        publish();
      } catch (fault) {
        settle(fault instanceof Error ? fault : new Error(String(fault)));
      }
    });
  }

  private headersOf(
    subject: string,
    id: string,
    reply: string,
    { correlationId, actor, traceparent }: CommandOptions,
  ): MessageHeaders {
    const type = subject.split('.')[2] ?? 'Command';
    const event = { id, source: this.source, type, time: new Date().toISOString() };
    return {
      [HEADER.messageId]: wireId(subject, id),
      [HEADER.originalId]: id,
      [HEADER.replyTo]: reply,
      [HEADER.correlationId]: correlationId ?? id,
      [HEADER.actor]: actor ?? this.source,
      ...cloudEventHeaders(event),
      ...traceHeaders(traceparent),
    };
  }

  private receive(message: Msg): void {
    const pending = this.pending.get(message.subject.slice(this.inbox.length + 1));
    if (!pending) return;
    if (message.headers?.code === 503) {
      // Said of a repeated sending, it says nothing about the first one.
      if (pending.sends === 1)
        pending.settle(new BusUnavailable('nobody takes this command: there is no such stream'));
      return;
    }
    const outcome = outcomeFrom(message.string());
    if (outcome) pending.settle(outcome);
  }

  private resend(): void {
    if (this.connection.status !== 'connected') return;
    for (const pending of this.pending.values()) {
      pending.sends++;
      try {
        pending.publish();
      } catch (fault) {
        pending.settle(fault instanceof Error ? fault : new Error(String(fault)));
      }
    }
  }
}

/**
 * JetStream drops a second message with the same id whatever its subject is, but an id that a
 * caller chose is one command's only together with the subject.
 */
const wireId = (subject: string, id: string): string => `${subject} ${id}`;
