import type { Snapshot } from '@downbeat/event-store';
import { ReadModels } from '@downbeat/projections';
import type { Schedule } from '@downbeat/saga-domain';
import { Injectable } from '@nestjs/common';
import {
  schedulesProjection,
  type ScheduleSnapshotRow,
} from '../projections/schedules/schedules.projection';

/** Where to begin reading a schedule's stream, which may have a million events. */
@Injectable()
export class ScheduleSnapshots {
  constructor(private readonly readModels: ReadModels) {}

  /** @returns Undefined when nothing of it has been projected yet: then there is little to read. */
  async of(name: string): Promise<Snapshot<Schedule> | undefined> {
    const { data } = await this.readModels.ask(schedulesProjection, {}, (manager) =>
      manager.query<ScheduleSnapshotRow[]>('select * from schedule_snapshot where name = $1', [
        name,
      ]),
    );
    const [row] = data;
    return (
      row && { state: row.state, version: Number(row.version), position: Number(row.position) }
    );
  }
}
