import { messagingContract } from '@downbeat/contracts';
import { Fault } from '@downbeat/eventsourcing';
import { MESSAGE_LEAD, MessageBus, type DeadLetter } from '@downbeat/message-bus';
import { Injectable, Logger } from '@nestjs/common';
import { Quarantine } from './quarantine';

/** Less than the two minutes for which the server knows messages by their ids. */
const KNOWN_BY_ID_MS = 60_000;

/** A redrive as it stands in the log. */
export interface Decided {
  readonly id: string;
  /** 1 for the first of this letter. */
  readonly redrive: number;
  /** Of what is sent instead of the original. */
  readonly content?: string | undefined;
}

/**
 * Sends letters again that were decided to be sent again. The decision is in the log before this
 * begins; wherever it is cut off, doing it again with the same number goes on from there. The letter
 * stays in the quarantine until its consumer has handled the new copy.
 */
@Injectable()
export class Redriver {
  private readonly logger = new Logger(Redriver.name);

  constructor(
    private readonly quarantine: Quarantine,
    private readonly bus: MessageBus,
  ) {}

  /** @param redrive The number of the decision; 1 for the first of this letter. */
  async redrive({ id, redrive, content }: Decided): Promise<void> {
    await this.quarantine.beginRedrive(id, redrive, content);
    await this.send(id, redrive);
  }

  /** The same, unless it was begun before. @returns Whether there was something to do. */
  async catchUp({ id, redrive, content }: Decided): Promise<boolean> {
    const begun = await this.quarantine.beginRedrive(id, redrive, content);
    if (begun) await this.send(id, redrive);
    return begun;
  }

  /** Sends another copy when the one that was sent is lost. */
  async resend(id: string, redrive: number): Promise<void> {
    const letter = await this.quarantine.underRedrive(id, redrive);
    if (!letter || (await this.isWaiting(letter))) return;
    // What was handled while the stream was looked at is under redrive no more.
    const lost = await this.quarantine.underRedrive(id, redrive);
    if (lost) await this.publish(lost, redrive);
  }

  /**
   * Sends a copy if this redrive is under way and has none. The server knows a copy that it got lately by its id;
   * later than that nobody knows, and the stream is looked at first.
   */
  async send(id: string, redrive: number): Promise<void> {
    const letter = await this.quarantine.underRedrive(id, redrive);
    if (!letter || letter.is_sent) return;
    if (letter.begun_ms < KNOWN_BY_ID_MS) await this.publish(letter, redrive);
    else await this.resend(id, redrive);
  }

  /**
   * A service that is away would find hundreds: for services, all that they have not read stands for the copy, as long
   * as the stream lives.
   */
  private async isWaiting(letter: DeadLetter): Promise<boolean> {
    const durable = redrivenConsumerOf(letter);
    if (durable === undefined) return this.bus.isRedriveWaiting(letter);
    return (await this.bus.serviceMessages.unread(durable)) > 0;
  }

  private async publish(letter: DeadLetter, redrive: number): Promise<void> {
    const { id } = letter;
    try {
      await this.bus.redrive(letter, redrive);
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      const facts = { dead_letter_id: id, redrive, err: fault };
      if (fault.remedy === 'give-up') {
        this.logger.error(facts, 'a dead letter cannot be sent again');
        await this.quarantine.endRedrive(id, redrive, `not sent again: ${fault.message}`);
      } else this.logger.warn(facts, 'a dead letter was not sent again yet; the sweep will');
      return;
    }
    await this.quarantine.markSent(id, redrive);
  }
}

/** Undefined for a letter of one of the suite's own contexts. */
function redrivenConsumerOf({ subject, consumer }: DeadLetter): string | undefined {
  if (!subject.startsWith(MESSAGE_LEAD)) return undefined;
  return messagingContract.redrivenConsumer(consumer, subject.slice(subject.lastIndexOf('.') + 1));
}
