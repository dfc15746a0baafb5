import { messagingContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Rejection } from '@downbeat/eventsourcing';
import { redriveSubject } from '@downbeat/message-bus';
import { unknownLetterOperation, whyMisfit } from '@downbeat/messaging-domain';
import { ReadModels } from '@downbeat/projections';
import { Answers, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { KnownConsumers } from '../dead-letters/known-consumers';
import { LetterHandling } from '../dead-letters/letter-handling';
import { checked } from '../dead-letters/letter-text';
import { Quarantine } from '../dead-letters/quarantine';
import { deadLetters } from '../projections/letters/letters.projection';
import type {
  LetterOperationItemRow,
  LetterOperationRow,
} from '../projections/letters/operations.tables';
import { LetterSelections } from './selection';

const { previewLetterOperation, listLetterOperations, getLetterOperation } = messagingContract;
const { OPERATION_LETTERS_MAX } = messagingContract;
type Operation = AnswerOf<typeof listLetterOperations>['operations'][number];
type Item = AnswerOf<typeof getLetterOperation>['items'][number];
type Sample = AnswerOf<typeof previewLetterOperation>['sample'];

const SAMPLE_MAX = 20;

/** Answers what an operation on many letters would concern, and how far those have come that were started. */
@Controller()
export class LetterOperationsQueries {
  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    private readonly selections: LetterSelections,
    private readonly quarantine: Quarantine,
    private readonly handling: LetterHandling,
    private readonly consumers: KnownConsumers,
  ) {}

  @Answers(previewLetterOperation)
  async preview({ input, as }: Question<InputOf<typeof previewLetterOperation>>) {
    const refusal = as.at === undefined ? whyMisfit(input) : noPast();
    if (refusal) return refusal;
    const position = await this.store.head();
    const { ids, ticket } = await this.selections.of(input);
    const isOne = ids.length > 0 && ids.length <= OPERATION_LETTERS_MAX;
    const count = await this.selections.count(input);
    const sample = await this.sampleOf(ids.slice(0, Math.min(input.limit, SAMPLE_MAX)), input);
    return { position, data: { count, ...(isOne ? { ticket } : {}), sample } };
  }

  @Answers(listLetterOperations)
  async list({ input, as }: Question<InputOf<typeof listLetterOperations>>) {
    return this.readModels.ask(deadLetters, as, async (manager) => {
      const rows: LetterOperationRow[] = await manager.query(
        `select * from dead_letter_operation where $1::bigint is null or started_position < $1
         order by started_position desc limit $2`,
        [numberOf(input.cursor), input.limit + 1],
      );
      const page = pageOf(rows, input.limit, ({ started_position }) => String(started_position));
      return { operations: page.rows.map(operationOf), next_cursor: page.nextCursor };
    });
  }

  @Answers(getLetterOperation)
  async get({ input, as }: Question<InputOf<typeof getLetterOperation>>) {
    const read = await this.readModels.ask(deadLetters, as, async (manager) => {
      const { operation_id } = input;
      const [row]: LetterOperationRow[] = await manager.query(
        'select * from dead_letter_operation where operation_id = $1',
        [operation_id],
      );
      if (!row) return unknownLetterOperation(operation_id);
      const items: LetterOperationItemRow[] = await manager.query(
        `select * from dead_letter_operation_item
          where operation_id = $1 and ($2::bigint is null or place > $2) order by place limit $3`,
        [operation_id, numberOf(input.cursor), input.limit + 1],
      );
      const page = pageOf(items, input.limit, ({ place }) => String(place));
      return {
        operation: operationOf(row),
        items: page.rows.map(itemOf),
        next_cursor: page.nextCursor,
      };
    });
    return read.data instanceof Rejection ? read.data : { ...read, data: read.data };
  }

  private async sampleOf(
    ids: readonly string[],
    { action }: InputOf<typeof previewLetterOperation>,
  ): Promise<Sample> {
    const letters = await this.quarantine.summaries(ids);
    const known = await this.consumers.of(letters);
    const sample: Sample = [];
    for (const [index, { id, revision, consumer, subject, reason }] of letters.entries()) {
      const text = await this.handling.textOf(id, revision);
      const { schema, faults } =
        text instanceof Rejection ? { schema: 'unknown', faults: [] } : checked(text);
      const to = text instanceof Rejection ? subject : text.subject;
      sample.push({
        ...{ dead_letter_id: id, subject: to, consumer, reason },
        ...(action === 'redrive' ? { sent_to: redriveSubject(consumer, to) } : {}),
        ...{ is_consumer_known: known[index] ?? false, schema, faults: [...faults] },
      });
    }
    return sample;
  }
}

/** A cursor that is none begins at the top. */
function numberOf(cursor: string | undefined): number | null {
  const number = Number(cursorOf(cursor) ?? Number.NaN);
  return Number.isSafeInteger(number) ? number : null;
}

function operationOf(row: LetterOperationRow): Operation {
  const { action, filter, reason, rate_per_second } = row.request;
  const [count, accepted, refused] = [Number(row.count), Number(row.accepted), Number(row.refused)];
  return {
    ...{ operation_id: row.operation_id, action, reason, rate_per_second, status: row.status },
    filter: filter as Operation['filter'],
    ...{ count, accepted, refused, remaining: count - accepted - refused },
    ...{ handled: Number(row.handled), failed_again: Number(row.failed_again) },
    ...{ started_at: row.started_at, started_by: row.started_by },
    ...(row.ended_at === null ? {} : { ended_at: row.ended_at }),
    ...(row.aborted_because === null ? {} : { aborted_because: row.aborted_because }),
  };
}

function itemOf({ dead_letter_id, answer }: LetterOperationItemRow): Item {
  if (answer === null) return { dead_letter_id, status: 'waiting' };
  return answer === 'accepted'
    ? { dead_letter_id, status: 'accepted' }
    : { dead_letter_id, status: 'refused', code: answer };
}

const noPast = (): Rejection =>
  new Rejection('invalid-input', 'at cannot be asked of a preview', 'invalid', [
    { field: 'at', message: 'cannot be asked of a preview' },
  ]);
