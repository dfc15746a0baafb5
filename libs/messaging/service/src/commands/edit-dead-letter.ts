import { messagingContract } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Rejection } from '@downbeat/eventsourcing';
import { deadLetterHandling, deadLetterStream } from '@downbeat/messaging-domain';
import { carryOut, commandOf, refused } from '@downbeat/service-host';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { hashOf, LetterHandling } from '../dead-letters/letter-handling';
import { checked, rewritten } from '../dead-letters/letter-text';
import { plainDiff } from '../dead-letters/letter-texts.queries';
import { Quarantine } from '../dead-letters/quarantine';

export class EditDeadLetter extends commandOf(messagingContract.editDeadLetter) {}

@CommandHandler(EditDeadLetter)
export class EditDeadLetterHandler implements ICommandHandler<EditDeadLetter> {
  constructor(
    private readonly store: EventStore,
    private readonly quarantine: Quarantine,
    private readonly handling: LetterHandling,
  ) {}

  /** What is written is kept before the decision, under its hash: a crash in between leaves what nobody looks for. */
  async execute({ data, at, cause }: EditDeadLetter) {
    const id = data.dead_letter_id.toLowerCase();
    const letter = await this.handling.recorded(id);
    const state = await this.handling.handlingOf(id);
    const original = await this.handling.textOf(id, 1);
    if (original instanceof Rejection) return refused(original);
    const newest = await this.handling.textOf(id, state.revision);
    if (newest instanceof Rejection) return refused(newest);
    const text = rewritten(newest, data);
    if (text instanceof Rejection) return refused(text);
    const { schema, faults } = checked(text);
    const { subject, body } = text;
    const written = { content: hashOf(text), subject, body_bytes: body.length, faults };
    const { expected_revision, reason, force } = data;
    const command = {
      type: 'EditDeadLetter',
      data: { dead_letter_id: id, expected_revision, reason, force },
      ...{ at, letter, written },
    } as const;
    const foreseen = deadLetterHandling.decide(command, state);
    if (!(foreseen instanceof Rejection))
      await this.quarantine.keepWritten(id, written.content, text);
    const diff = plainDiff(original, text);
    const outcome = await carryOut(
      this.store,
      deadLetterHandling,
      deadLetterStream(id),
      command,
      cause,
      ({ revision }) => ({
        ...{ dead_letter_id: id, revision, subject, schema },
        ...{ faults: faults.map(({ field, message }) => ({ field, message })), diff },
      }),
    );
    if (outcome.accepted) {
      const { revision } = await this.handling.handlingOf(id);
      await this.quarantine.showRevision(id, revision);
    }
    return outcome;
  }
}
