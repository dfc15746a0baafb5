import { ErrorCode, NatsError } from 'nats';
import { NoAnswer, RequestHeldBack } from '../errors';
import type { Reply, RequestOptions } from '../message-bus';
import { assertSendable, type Subjects } from '../subjects';
import { CONNECTION_WAIT_MS } from './command-sender';
import type { Connection } from './connection';
import { headersOf } from './nats-arrival';
import { asBusFault, natsHeaders } from './wire';

/** Requests to services that are no part of the suite, as text. */
export class Requests {
  constructor(
    private readonly connection: Connection,
    private readonly subjects: Subjects,
  ) {}

  async request(
    subject: string,
    body: string,
    { headers = {}, timeoutMs, maySend }: RequestOptions,
  ): Promise<Reply> {
    assertSendable(subject);
    const reply = this.connection.newCallInbox();
    const options = { timeout: timeoutMs, headers: natsHeaders(headers), noMux: true, reply };
    await this.connection.ready(Math.min(timeoutMs, CONNECTION_WAIT_MS));
    if (maySend?.() === false) throw new RequestHeldBack(subject);
    try {
      const { nats } = this.connection;
      const answer = await nats.request(this.subjects.physical(subject), body, options);
      return { body: answer.string(), headers: headersOf(answer.headers) };
    } catch (fault) {
      if (!(fault instanceof NatsError)) throw fault;
      if (fault.code === ErrorCode.NoResponders) throw new NoAnswer(subject, 'nobody-answers');
      if (fault.code === ErrorCode.Timeout) throw new NoAnswer(subject, 'timed-out');
      throw asBusFault(fault, subject);
    }
  }
}
