import { nanos, type Msg, type NatsConnection, type Subscription } from 'nats';

export interface PullLoopOptions {
  readonly nats: NatsConnection;
  /** Its own; answers come below it. */
  readonly inbox: string;
  readonly stream: string;
  readonly consumer: string;
  /** How many more messages may come in now. */
  readonly room: () => number;
  /** Messages asked for at once, at most. */
  readonly batchMax: number;
  readonly heartbeatMs: number;
  readonly onMessage: (message: Msg) => void;
  /** The consumer is gone or the server silent. Nothing is pulled until `start` is called again. */
  readonly onTrouble: (why: 'consumer-gone' | 'heartbeats-missed') => void;
}

const EXPIRES_MS = 30_000;
const HEARTBEATS_MISSED_MAX = 2.5;

/**
 * After how long a message is given back on closing. nats-server 2.9.10 forgets the requests of an
 * inbox that is gone with its next heartbeat; a message that meets one before that is lost to it
 * until the acknowledgement wait is over.
 */
export const giveBackMs = (heartbeatMs: number): number => Math.round(heartbeatMs * 1.5);

/**
 * Asks a pull consumer for as many messages as there is room for, no more. The client's own
 * `consume()` asks for the next ones when messages arrive, not when they are handled, so it cannot
 * bound what a slow handler holds.
 *
 * A missing consumer is not answered at all (the server itself listens on the subject), so only
 * missed heartbeats tell.
 */
export class PullLoop {
  private readonly inbox: string;
  private readonly subscription: Subscription;
  /** Messages the server was asked for and has not sent yet. */
  private asked = 0;
  /** Counts the starts, so that what requests of an earlier one end with is not mistaken for news. */
  private startNumber = 0;
  private heardAt = 0;
  private isPulling = false;

  constructor(private readonly options: PullLoopOptions) {
    this.inbox = options.inbox;
    this.subscription = options.nats.subscribe(`${this.inbox}.*`, {
      callback: (fault, message) => {
        if (!fault) this.receive(message);
      },
    });
  }

  /** Begins anew: requests made before are forgotten, though what they still bring is welcome. */
  start(): void {
    this.startNumber++;
    this.asked = 0;
    this.isPulling = true;
    this.pull();
  }

  /** Asks for more if there is room worth a request. Call it when something was settled. */
  pull(): void {
    const { room, batchMax } = this.options;
    if (!this.isPulling) return;
    const wanted = Math.min(room(), batchMax) - this.asked;
    if (wanted < 1 || (this.asked > 0 && wanted < batchMax / 4)) return;
    if (this.asked === 0) this.heardAt = Date.now();
    this.asked += wanted;
    this.request(wanted);
  }

  /** Call it about once a second. */
  checkHeartbeat(): void {
    if (!this.isPulling || this.asked === 0) return;
    const silentMs = Date.now() - this.heardAt;
    if (silentMs > this.options.heartbeatMs * HEARTBEATS_MISSED_MAX)
      this.trouble('heartbeats-missed');
  }

  pause(): void {
    this.isPulling = false;
  }

  /** What the server sent before it heard of this still comes in; returns after that. */
  async stop(): Promise<void> {
    this.isPulling = false;
    if (!this.subscription.isClosed() && !this.options.nats.isClosed())
      await this.subscription.drain();
  }

  private request(batch: number): void {
    const { nats, stream, consumer, heartbeatMs } = this.options;
    const request = { batch, expires: nanos(EXPIRES_MS), idle_heartbeat: nanos(heartbeatMs) };
    nats.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(request), {
      reply: `${this.inbox}.${this.startNumber}`,
    });
  }

  private receive(message: Msg): void {
    this.heardAt = Date.now();
    if (message.subject.startsWith(this.inbox)) {
      this.receiveStatus(message);
      return;
    }
    this.asked = Math.max(0, this.asked - 1);
    this.options.onMessage(message);
    this.pull();
  }

  private receiveStatus({ subject, headers }: Msg): void {
    if (headers?.code === 100 || subject !== `${this.inbox}.${this.startNumber}`) return;
    if (headers?.code !== 408) {
      this.trouble('consumer-gone');
      return;
    }
    this.asked = Math.max(0, this.asked - Number(headers.get('Nats-Pending-Messages')));
    this.pull();
  }

  private trouble(why: 'consumer-gone' | 'heartbeats-missed'): void {
    if (!this.isPulling) return;
    this.isPulling = false;
    this.options.onTrouble(why);
  }
}
