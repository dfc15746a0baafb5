import { messagingContract } from '@downbeat/contracts';
import { Fault } from '@downbeat/eventsourcing';
import { MESSAGE_LEAD, MessageBus, type DeadLetter } from '@downbeat/message-bus';
import { Injectable, Logger } from '@nestjs/common';
import { Quarantine } from './quarantine';

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
  async redrive(id: string, redrive: number): Promise<void> {
    await this.quarantine.beginRedrive(id, redrive);
    await this.send(id, redrive);
  }

  /** The same, unless it was begun before. @returns Whether there was something to do. */
  async catchUp(id: string, redrive: number): Promise<boolean> {
    const begun = await this.quarantine.beginRedrive(id, redrive);
    if (begun) await this.send(id, redrive);
    return begun;
  }

  /**
   * Sends another copy, unless the service that it is for has not read all that was sent to it: the copy is among
   * that, as long as the stream lives. A service that is away would find hundreds.
   */
  async resend(id: string, redrive: number): Promise<void> {
    const letter = await this.quarantine.underRedrive(id, redrive);
    if (!letter) return;
    const durable = redrivenConsumerOf(letter);
    if (durable !== undefined && (await this.bus.serviceMessages.unread(durable)) > 0) return;
    await this.send(id, redrive);
  }

  /** Sends a copy if this redrive is under way. One the bus has already is not doubled: it has the same message id. */
  async send(id: string, redrive: number): Promise<void> {
    const letter = await this.quarantine.underRedrive(id, redrive);
    if (!letter) return;
    try {
      await this.bus.redrive(letter, redrive);
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      const facts = { dead_letter_id: id, redrive, err: fault };
      if (fault.remedy === 'give-up') {
        this.logger.error(facts, 'a dead letter cannot be sent again');
        await this.quarantine.endRedrive(id, redrive, `not sent again: ${fault.message}`);
      } else this.logger.warn(facts, 'a dead letter was not sent again yet; the sweep will');
    }
  }
}

/** Undefined for a letter of one of the suite's own contexts. */
function redrivenConsumerOf({ subject, consumer }: DeadLetter): string | undefined {
  if (!subject.startsWith(MESSAGE_LEAD)) return undefined;
  return messagingContract.redrivenConsumer(consumer, subject.slice(subject.lastIndexOf('.') + 1));
}
