import { EventStore } from '@downbeat/event-store';
import type { Instant } from '@downbeat/eventsourcing';
import { ReadModels } from '@downbeat/projections';
import { bulkOperation, bulkStream } from '@downbeat/saga-domain';
import { Injectable } from '@nestjs/common';
import { DatabaseClock } from '../engine/database-clock';
import { Ledger } from '../ledger';
import { bulkOperations } from '../projections/bulk/bulk.projection';

/** So many in one turn; each has up to 5,000 rows. */
const BATCH_MAX = 20;
const ACTOR = 'saga-retention';

/** Forgets operations on many runs, and what each run said to them, when they are long over. */
@Injectable()
export class OldBulkOperations {
  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    private readonly clock: DatabaseClock,
  ) {}

  /** @returns How many that ended before this moment were forgotten, those that ended first first. */
  async forget(before: Instant): Promise<number> {
    const { data } = await this.readModels.ask(bulkOperations, {}, (manager) =>
      manager.query<{ bulk_id: string }[]>(
        `select bulk_id from bulk_operation where status <> 'running' and ended_at < $1
         order by ended_at limit $2`,
        [before, BATCH_MAX],
      ),
    );
    for (const { bulk_id } of data) {
      const { store, clock } = this;
      const ledger = new Ledger(bulkOperation, bulkStream(bulk_id), ACTOR, store, clock);
      await ledger.refresh();
      await ledger.carryOut({ type: 'ForgetBulkOperation', data: { bulk_id } });
    }
    return data.length;
  }
}
