import { sagaContract, type AnswerOf, type InputOf } from '@downbeat/contracts';
import { Rejection, type Instant } from '@downbeat/eventsourcing';
import { ReadModels } from '@downbeat/projections';
import { momentsAfter } from '@downbeat/saga-domain';
import { Answers, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { schedulesProjection, type OccurrenceRow, type ScheduleRow } from './schedules.projection';

const { listSchedules, getSchedule } = sagaContract;
type Shown = AnswerOf<typeof getSchedule>['schedule'];
type Listed = AnswerOf<typeof listSchedules>['schedules'][number];
type Occurrence = AnswerOf<typeof getSchedule>['occurrences'][number];

const UPCOMING = 5;

/** Answers which workflows are started when, and what became of it. */
@Controller()
export class SchedulesQueries {
  constructor(private readonly readModels: ReadModels) {}

  @Answers(listSchedules)
  async list({ input, as }: Question<InputOf<typeof listSchedules>>) {
    return this.readModels.ask(schedulesProjection, as, async (manager) => {
      const rows: ScheduleRow[] = await manager.query(
        `select * from schedule where $1::text is null or name > $1 collate "C"
         order by name collate "C" limit $2`,
        [cursorOf(input.cursor), input.limit + 1],
      );
      const page = pageOf(rows, input.limit, ({ name }) => name);
      return { schedules: page.rows.map(listed), next_cursor: page.nextCursor };
    });
  }

  @Answers(getSchedule)
  async get({ input, as }: Question<InputOf<typeof getSchedule>>) {
    const read = await this.readModels.ask(schedulesProjection, as, async (manager) => {
      const [row]: ScheduleRow[] = await manager.query('select * from schedule where name = $1', [
        input.name,
      ]);
      if (!row)
        return new Rejection('schedule-unknown', `there is no schedule ${input.name}`, 'not-found');
      const occurrences: OccurrenceRow[] = await manager.query(
        `select * from schedule_occurrence
         where name = $1 and ($2::text is null or due_at < $2::timestamptz)
         order by due_at desc limit $3`,
        [input.name, instantAt(input.cursor), input.limit + 1],
      );
      const page = pageOf(occurrences, input.limit, ({ due_at }) => due_at);
      return {
        schedule: shown(row),
        upcoming: upcoming(row),
        occurrences: page.rows.map(occurrenceOf),
        next_cursor: page.nextCursor,
      };
    });
    return read.data instanceof Rejection ? read.data : { ...read, data: read.data };
  }
}

/** A cursor that is none begins at the top. */
function instantAt(cursor: string | undefined): string | null {
  const text = cursorOf(cursor);
  return text !== null && !Number.isNaN(Date.parse(text)) ? text : null;
}

function upcoming({ state: { plan, isPaused, decidedUpTo } }: ScheduleRow): Instant[] {
  return plan && !isPaused ? [...momentsAfter(plan, decidedUpTo, UPCOMING)] : [];
}

function listed(row: ScheduleRow): Listed {
  const { context_data: _, ...rest } = shown(row);
  return rest;
}

function shown(row: ScheduleRow): Shown {
  const { plan, isPaused } = row.state;
  if (!plan) throw new RangeError(`the schedule ${row.name} has no plan`);
  return {
    name: row.name,
    ...plan,
    is_paused: isPaused,
    ...(isPaused && row.paused_because !== null ? { paused_because: row.paused_because } : {}),
    ...(row.next_due_at === null ? {} : { next_due_at: row.next_due_at }),
    ...(row.last_due_at === null ? {} : { last_due_at: row.last_due_at }),
    changed_at: row.changed_at,
  };
}

const occurrenceOf = (row: OccurrenceRow): Occurrence => ({
  due_at: row.due_at,
  status: row.status,
  ...(row.workflow_id === null ? {} : { workflow_id: row.workflow_id }),
  ...(row.correlation_id === null ? {} : { correlation_id: row.correlation_id }),
  ...(row.reason === null ? {} : { reason: row.reason }),
  ...(row.count === null ? {} : { count: Number(row.count) }),
});
