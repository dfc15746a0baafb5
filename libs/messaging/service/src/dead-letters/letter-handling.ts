import { createHash } from 'node:crypto';
import { EventStore, type EventStore as Store } from '@downbeat/event-store';
import { fold, Rejection, type Instant } from '@downbeat/eventsourcing';
import type { CommandOutcome } from '@downbeat/message-bus';
import {
  deadLetterHandling,
  deadLetterStream,
  unknownDeadLetter,
  type DeadLetterCommand,
  type DeadLetterEvent,
  type DiscardDeadLetter,
  type Handling,
  type PurgeDeadLetter,
  type RedriveDeadLetter,
} from '@downbeat/messaging-domain';
import { carryOut, type Cause } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import { Chronicle } from './chronicle';
import type { LetterText } from './letter-text';
import { Quarantine } from './quarantine';
import { Redriver } from './redriver';

type Data<C extends DeadLetterCommand> = C['data'];

/**
 * What operators and their operations do about one letter: the decision is in the log first, then it is made
 * true. Wherever that is cut off, doing it again, or the sweep, goes on from there.
 */
@Injectable()
export class LetterHandling {
  constructor(
    private readonly store: EventStore,
    private readonly quarantine: Quarantine,
    private readonly redriver: Redriver,
    private readonly chronicle: Chronicle,
  ) {}

  /** Also finishes an earlier redrive that was cut off: what is decided already is only done. */
  async redrive(data: Data<RedriveDeadLetter>, at: Instant, cause: Cause): Promise<CommandOutcome> {
    const id = data.dead_letter_id.toLowerCase();
    const letter = await this.recorded(id);
    const command = {
      type: 'RedriveDeadLetter',
      data: { ...data, dead_letter_id: id },
      at,
      letter,
    };
    const outcome = await this.decide(id, command as RedriveDeadLetter, cause, 'redriving');
    if (!outcome.accepted) return outcome;
    const { status, redrives, redriven } = await this.handlingOf(id);
    if (status === 'redriven')
      await this.redriver.redrive({ id, redrive: redrives, content: redriven });
    return outcome;
  }

  async discard(data: Data<DiscardDeadLetter>, at: Instant, cause: Cause): Promise<CommandOutcome> {
    const id = data.dead_letter_id.toLowerCase();
    const letter = await this.recorded(id);
    const command = {
      type: 'DiscardDeadLetter',
      data: { ...data, dead_letter_id: id },
      at,
      letter,
    };
    const outcome = await this.decide(id, command as DiscardDeadLetter, cause, 'discarded');
    if (outcome.accepted) await this.quarantine.discard(id, data.reason);
    return outcome;
  }

  async purge(data: Data<PurgeDeadLetter>, at: Instant, cause: Cause): Promise<CommandOutcome> {
    const id = data.dead_letter_id.toLowerCase();
    const letter = await this.recorded(id);
    const status = letter?.status === 'redriven' ? 'redriven' : 'discarded';
    const command = { type: 'PurgeDeadLetter', data: { ...data, dead_letter_id: id }, at, letter };
    const outcome = await this.decide(id, command as PurgeDeadLetter, cause, status);
    if (!outcome.accepted) return outcome;
    await this.quarantine.discard(id, data.reason);
    await this.quarantine.purge(id);
    return outcome;
  }

  /** A letter as the quarantine has it, once the log knows as much. */
  async recorded(id: string) {
    await this.chronicle.tell(id);
    return this.quarantine.find(id);
  }

  async handlingOf(id: string): Promise<Handling & { readonly redriven: string | undefined }> {
    const events = await this.store.load<DeadLetterEvent>(deadLetterStream(id));
    const last = events.findLast(({ type }) => type === 'DeadLetterRedriven');
    const redriven = last?.type === 'DeadLetterRedriven' ? last.data.content : undefined;
    return { ...fold(deadLetterHandling, events), redriven };
  }

  /** Of a revision; 1 is what came. */
  async textOf(id: string, revision: number): Promise<LetterText | Rejection> {
    const original = await this.quarantine.original(id);
    if (!original)
      return (await this.quarantine.find(id)) ? purgedDeadLetter(id) : unknownDeadLetter(id);
    if (revision === 1) return original;
    const events = await this.store.load<DeadLetterEvent>(deadLetterStream(id));
    const content = events.flatMap((event) =>
      event.type === 'DeadLetterEdited' && event.data.revision === revision
        ? [event.data.content]
        : [],
    )[0];
    const written = content === undefined ? undefined : await this.quarantine.written(id, content);
    return (
      written ?? new Rejection('revision-unknown', `${id} has no revision ${revision}`, 'not-found')
    );
  }

  private decide(
    id: string,
    command: DeadLetterCommand,
    cause: Cause,
    status: string,
  ): Promise<CommandOutcome> {
    return carryOut(
      this.store as Store,
      deadLetterHandling,
      deadLetterStream(id),
      command,
      cause,
      () => ({ dead_letter_id: id, status }),
    );
  }
}

export const purgedDeadLetter = (id: string): Rejection =>
  new Rejection('dead-letter-purged', `what ${id} said was purged`, 'not-found');

/** The same for the same text, whoever wrote it. */
export const hashOf = ({ subject, headers, body }: LetterText): string => {
  const names = Object.keys(headers).sort();
  const listed = JSON.stringify([subject, names.map((name) => [name, headers[name]])]);
  return createHash('sha256').update(listed).update('\n').update(body).digest('hex');
};
