import type { JsonObject } from '@downbeat/eventsourcing';
import type { BusLog } from '../bus-log';
import { reasonOf } from '../one-line';
import { assertSendable, type Subjects } from '../subjects';
import type { Connection } from './connection';

export type HintListener = (payload: unknown, subject: string) => void;

/** Wake-ups over core NATS: fire and forget, lost while nobody listens or nobody is connected. */
export class Hints {
  constructor(
    private readonly connection: Connection,
    private readonly subjects: Subjects,
    private readonly log: BusLog,
  ) {}

  send(subject: string, payload: JsonObject): void {
    assertSendable(subject);
    // While disconnected the client would keep it and wake people up with old news.
    if (this.connection.status !== 'connected') return;
    this.connection.nats.publish(this.subjects.physical(subject), JSON.stringify(payload));
  }

  listen(subject: string, listener: HintListener): () => void {
    const subscription = this.connection.nats.subscribe(this.subjects.physical(subject), {
      callback: (fault, message) => {
        if (fault) return;
        try {
          listener(JSON.parse(message.string()), this.subjects.logical(message.subject));
        } catch (thrown) {
          this.log.warn('a hint was not understood', { subject, reason: reasonOf(thrown) });
        }
      },
    });
    return () => subscription.unsubscribe();
  }
}
