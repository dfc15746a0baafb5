import { sagaContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { Rejection } from '@downbeat/eventsourcing';
import { ReadModels } from '@downbeat/projections';
import { whyUnfit } from '@downbeat/saga-domain';
import { Answers, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { countSelected, selectedRuns, whyTooWide } from '../../bulk/selection';
import { Migrations } from '../../definitions/migrations';
import { workflows } from '../workflows/workflows.projection';
import { bulkOperations, type BulkRow, type BulkRunRow } from './bulk.projection';

const { previewBulkOperation, listBulkOperations, getBulkOperation } = sagaContract;
type Operation = AnswerOf<typeof listBulkOperations>['operations'][number];
type Refused = NonNullable<AnswerOf<typeof previewBulkOperation>['refused']>[number];
type Item = AnswerOf<typeof getBulkOperation>['items'][number];

/** Answers what an operation on many runs would concern, and how far those have come that were started. */
@Controller()
export class BulkQueries {
  constructor(
    private readonly readModels: ReadModels,
    private readonly migrations: Migrations,
  ) {}

  @Answers(previewBulkOperation)
  async preview({ input, as }: Question<InputOf<typeof previewBulkOperation>>) {
    const { action, limit, cursor, to_version, ...filter } = input;
    const refusal = whyTooWide(filter) ?? whyUnfit({ action, filter, to_version });
    if (refusal) return refusal;
    const found = await this.readModels.ask(workflows, as, async (manager) => {
      const selection = { action, filter, to_version };
      const page = { after: numberOf(cursor), limit: limit + 1 };
      const rows = await selectedRuns(manager, selection, page);
      const count = await countSelected(manager, selection);
      const found = pageOf(rows, limit, ({ started_position }) => String(started_position));
      return {
        count,
        workflow_ids: found.rows.map(({ id }) => id),
        next_cursor: found.nextCursor,
      };
    });
    if (to_version === undefined) return found;
    const refused = await this.refusedOf(found.data.workflow_ids, to_version);
    return refused instanceof Rejection ? refused : { ...found, data: { ...found.data, refused } };
  }

  /** A page of them, one after the other: each is read from its own events. */
  private async refusedOf(
    workflowIds: readonly string[],
    toVersion: string,
  ): Promise<Refused[] | Rejection> {
    const refused: Refused[] = [];
    for (const workflow_id of workflowIds) {
      const foreseen = await this.migrations.of(workflow_id, toVersion);
      if (foreseen instanceof Rejection) return foreseen;
      const { refusal } = foreseen;
      if (refusal) refused.push({ workflow_id, code: refusal.code, message: refusal.message });
    }
    return refused;
  }

  @Answers(listBulkOperations)
  async list({ input, as }: Question<InputOf<typeof listBulkOperations>>) {
    return this.readModels.ask(bulkOperations, as, async (manager) => {
      const rows: BulkRow[] = await manager.query(
        `select * from bulk_operation where $1::bigint is null or started_position < $1
         order by started_position desc limit $2`,
        [numberOf(input.cursor), input.limit + 1],
      );
      const page = pageOf(rows, input.limit, ({ started_position }) => String(started_position));
      return { operations: page.rows.map(operationOf), next_cursor: page.nextCursor };
    });
  }

  @Answers(getBulkOperation)
  async get({ input, as }: Question<InputOf<typeof getBulkOperation>>) {
    const read = await this.readModels.ask(bulkOperations, as, async (manager) => {
      const { bulk_id } = input;
      const [row]: BulkRow[] = await manager.query(
        'select * from bulk_operation where bulk_id = $1',
        [bulk_id],
      );
      if (!row)
        return new Rejection('bulk-unknown', `there is no operation ${bulk_id}`, 'not-found');
      const runs: BulkRunRow[] = await manager.query(
        `select * from bulk_run where bulk_id = $1 and ($2::bigint is null or place > $2)
         order by place limit $3`,
        [bulk_id, numberOf(input.cursor), input.limit + 1],
      );
      const page = pageOf(runs, input.limit, ({ place }) => String(place));
      return {
        operation: operationOf(row),
        items: page.rows.map(itemOf),
        next_cursor: page.nextCursor,
      };
    });
    return read.data instanceof Rejection ? read.data : { ...read, data: read.data };
  }
}

/** A cursor that is none begins at the top. */
function numberOf(cursor: string | undefined): number | null {
  const number = Number(cursorOf(cursor) ?? Number.NaN);
  return Number.isSafeInteger(number) ? number : null;
}

function operationOf(row: BulkRow): Operation {
  const { action, filter, reason, rate_per_second, to_version } = row.request;
  return {
    bulk_id: row.bulk_id,
    action,
    filter: filter as Operation['filter'],
    reason,
    ...(to_version === undefined ? {} : { to_version }),
    rate_per_second,
    status: row.status,
    count: Number(row.count),
    accepted: Number(row.accepted),
    refused: Number(row.refused),
    started_at: row.started_at,
    ...(row.ended_at === null ? {} : { ended_at: row.ended_at }),
    ...(row.aborted_because === null ? {} : { aborted_because: row.aborted_because }),
  };
}

function itemOf({ workflow_id, answer }: BulkRunRow): Item {
  if (answer === null) return { workflow_id, status: 'waiting' };
  return answer === 'accepted'
    ? { workflow_id, status: 'accepted' }
    : { workflow_id, status: 'refused', code: answer };
}
