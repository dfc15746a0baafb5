import { backOffMs } from '../pause';
import { idOf, type Arrival } from './arrival';
import { read } from './headers';
import { reasonOf, type AboutMessage, type MessageEvent } from './events';
import { SuiteRefused, SuiteSilent, type SuiteDesk } from './suite-desk';
import { verdictOn, type Subscribed } from './verdict';

/** What the server can be told about a delivery. */
export interface Acknowledgements {
  ack(arrival: Arrival): void;
  /** Nobody gets it, and it was not handled. */
  term(arrival: Arrival): void;
  /** It comes again, after so long. */
  nak(arrival: Arrival, delayMs: number): void;
}

export interface SettlerPorts {
  readonly acks: Acknowledgements;
  readonly desk: Pick<SuiteDesk, 'quarantine' | 'confirm'>;
  readonly tell: (event: MessageEvent) => void;
  /** What a handler threw that is no refusal. */
  readonly onDefect: (topic: string, defect: unknown) => void;
}

/** The suite may be restarting: nobody is helped by asking it a thousand times a second. */
const SUITE_AWAY_FIRST_MS = 1_000;
const SUITE_AWAY_MAX_MS = 30_000;

/** What the topic's queue says; it may say otherwise whenever the service subscribes again. */
export interface QueueLimit {
  /** The server gives nothing out more often. */
  deliveriesMax: number | undefined;
}

/** What became of a delivery. */
export type Settled = 'ended' | 'comes-again';

/** Has a message handled, and makes true what that led to. */
export class Settler {
  constructor(
    private readonly subscribed: Subscribed,
    private readonly ports: SettlerPorts,
    private readonly queue: QueueLimit = { deliveriesMax: undefined },
  ) {}

  /** Never throws: the next message waits behind it. */
  async settle(arrival: Arrival): Promise<Settled> {
    try {
      return await this.carryOut(arrival);
    } catch (defect) {
      this.ports.onDefect(arrival.topic, defect);
      return this.giveBack(arrival, SUITE_AWAY_FIRST_MS);
    }
  }

  private async carryOut(arrival: Arrival): Promise<Settled> {
    const { onDefect } = this.ports;
    if (isExpired(arrival)) {
      this.ports.tell({ type: 'message-expired', ...about(arrival) });
      this.ports.acks.term(arrival);
      return 'ended';
    }
    const verdict = await verdictOn(arrival, this.limited());
    if ('defect' in verdict) onDefect(arrival.topic, verdict.defect);
    switch (verdict.outcome) {
      case 'done':
        return arrival.isRedriven ? this.confirm(arrival) : this.end(arrival);
      case 'retry':
        return this.retry(arrival, verdict.reason);
      case 'dead-letter':
        return this.deadLetter(arrival, verdict.reason);
    }
  }

  private limited(): Subscribed {
    const { subscribed, queue } = this;
    if (queue.deliveriesMax === undefined) return subscribed;
    return { ...subscribed, limits: { ...subscribed.limits, deliveriesMax: queue.deliveriesMax } };
  }

  private retry(arrival: Arrival, reason: string): Settled {
    const { retryDelayFirstMs, retryDelayMaxMs } = this.subscribed.limits;
    const delayMs = backOffMs(arrival.deliveries, retryDelayFirstMs, retryDelayMaxMs);
    const attempt = arrival.deliveries;
    this.ports.tell({ type: 'message-retried', ...about(arrival), attempt, reason, delayMs });
    return this.giveBack(arrival, delayMs);
  }

  /** The dead letter is committed before the message is acknowledged: a crash in between repeats it, under the same id. */
  private async deadLetter(arrival: Arrival, reason: string): Promise<Settled> {
    const { desk, tell } = this.ports;
    try {
      const deadLetterId = await desk.quarantine(arrival, reason);
      const attempts = arrival.deliveries;
      tell({ type: 'message-dead-lettered', ...about(arrival), attempts, reason, deadLetterId });
      return this.end(arrival);
    } catch (fault) {
      return this.suiteSaidNo(arrival, fault);
    }
  }

  /** That a dead letter was handled is told before its copy is acknowledged. */
  private async confirm(arrival: Arrival): Promise<Settled> {
    try {
      await this.ports.desk.confirm(arrival);
      return this.end(arrival);
    } catch (fault) {
      return this.suiteSaidNo(arrival, fault);
    }
  }

  private suiteSaidNo(arrival: Arrival, fault: unknown): Settled {
    const { tell } = this.ports;
    const isKnown = fault instanceof SuiteSilent || fault instanceof SuiteRefused;
    if (!isKnown) throw fault;
    const reason = reasonOf(fault);
    if (fault instanceof SuiteRefused && fault.problem === 'message-gone') {
      tell({ type: 'message-gone', ...about(arrival), reason });
      return this.end(arrival);
    }
    tell({ type: 'dead-letter-waits', ...about(arrival), reason });
    const delayMs = backOffMs(arrival.deliveries, SUITE_AWAY_FIRST_MS, SUITE_AWAY_MAX_MS);
    return this.giveBack(arrival, delayMs);
  }

  private end(arrival: Arrival): Settled {
    this.ports.acks.ack(arrival);
    return 'ended';
  }

  private giveBack(arrival: Arrival, delayMs: number): Settled {
    this.ports.acks.nak(arrival, delayMs);
    return 'comes-again';
  }
}

/** Who was given it before its time was over may still handle it, and so may who gets a dead letter again. */
const isExpired = ({ headers, deliveries, isRedriven }: Arrival): boolean => {
  const expiresAt = Date.parse(headers[read('expiresAt')] ?? '');
  return deliveries === 1 && !isRedriven && expiresAt <= Date.now();
};

const about = (arrival: Arrival): AboutMessage => ({
  topic: arrival.topic,
  messageId: idOf(arrival),
});
