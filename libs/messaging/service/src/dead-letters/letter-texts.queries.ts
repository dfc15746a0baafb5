import { messagingContract, type InputOf } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Rejection } from '@downbeat/eventsourcing';
import { redriveSubject } from '@downbeat/message-bus';
import { deadLetterHandling } from '@downbeat/messaging-domain';
import { Answers, Clock, type Question } from '@downbeat/service-host';
import { instantOf } from '@downbeat/eventsourcing';
import { Controller } from '@nestjs/common';
import { KnownConsumers } from './known-consumers';
import { LetterHandling } from './letter-handling';
import { BODY_BYTES_MAX } from './letter-rows';
import { checked, rewritten, textDiff, type LetterText } from './letter-text';
import { shownText } from './shown-letter';
import { Quarantine } from './quarantine';

const { getDeadLetterRevision, dryRunDeadLetter } = messagingContract;

/** Answers what a letter says, what was written instead, and what would be sent. */
@Controller()
export class LetterTextsQueries {
  constructor(
    private readonly store: EventStore,
    private readonly quarantine: Quarantine,
    private readonly handling: LetterHandling,
    private readonly consumers: KnownConsumers,
    private readonly clock: Clock,
  ) {}

  @Answers(getDeadLetterRevision)
  async revision({ input, as }: Question<InputOf<typeof getDeadLetterRevision>>) {
    if (as.at !== undefined) return noPast();
    const { revision } = input;
    const id = input.dead_letter_id.toLowerCase();
    const position = await this.store.head();
    const original = await this.handling.textOf(id, 1);
    if (original instanceof Rejection) return original;
    const text = await this.handling.textOf(id, revision);
    if (text instanceof Rejection) return text;
    const { schema, faults } = checked(text);
    const data = {
      ...{ dead_letter_id: id, revision, subject: text.subject },
      ...shownText(cutText(text)),
      ...{ schema, faults: [...faults], diff: plainDiff(original, text) },
    };
    return { position, data };
  }

  @Answers(dryRunDeadLetter)
  async dryRun({ input, as }: Question<InputOf<typeof dryRunDeadLetter>>) {
    if (as.at !== undefined) return noPast();
    const id = input.dead_letter_id.toLowerCase();
    const position = await this.store.head();
    const letter = await this.quarantine.sender(id);
    const { redriven: _, ...state } = await this.handling.handlingOf(id);
    const [original, newest] = [
      await this.handling.textOf(id, 1),
      await this.handling.textOf(id, state.revision),
    ];
    if (original instanceof Rejection) return original;
    if (newest instanceof Rejection || !letter) return newest as Rejection;
    const text = rewritten(newest, input);
    if (text instanceof Rejection) return text;
    const at = instantOf(this.clock.now());
    const command = {
      type: 'RedriveDeadLetter',
      data: { dead_letter_id: id },
      at,
      letter,
    } as const;
    const decision = deadLetterHandling.decide(command, state);
    const refusal = decision instanceof Rejection ? decision : whyNothing(decision.length, id);
    const [isKnown = false] = await this.consumers.of([{ ...letter, subject: text.subject }]);
    const data = {
      ...{ dead_letter_id: id, would_send: !refusal, subject: text.subject },
      ...(refusal ? { refusal: { code: refusal.code, message: refusal.message } } : {}),
      ...{ sent_to: redriveSubject(letter.consumer, text.subject), message_id: letter.message_id },
      ...{ body_bytes: text.body.length, revision: state.revision, consumer: letter.consumer },
      ...{ is_consumer_known: isKnown, schema: checked(text).schema },
      ...{ faults: [...checked(text).faults], diff: plainDiff(original, text) },
    };
    return { position, data };
  }
}

const cutText = ({ headers, body }: LetterText) => ({
  headers,
  body: Buffer.from(body.subarray(0, BODY_BYTES_MAX)),
  body_bytes: body.length,
});

export function plainDiff(before: LetterText, after: LetterText) {
  const { added, removed, changed, is_cut } = textDiff(before, after);
  return { added: [...added], removed: [...removed], changed: [...changed], is_cut };
}

const whyNothing = (events: number, id: string): Rejection | undefined =>
  events > 0
    ? undefined
    : new Rejection('dead-letter-redriving', `${id} is being sent again already`);

const noPast = (): Rejection =>
  new Rejection('invalid-input', 'at cannot be asked of what a letter says', 'invalid', [
    { field: 'at', message: 'cannot be asked of what a letter says' },
  ]);
