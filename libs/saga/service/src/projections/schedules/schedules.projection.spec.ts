import { fold, type Instant } from '@downbeat/eventsourcing';
import { tableSpecification } from '@downbeat/projections/testing';
import {
  occurrenceId,
  schedule,
  type Schedule,
  type ScheduleCommand,
  type ScheduleEvent,
  type SchedulePlan,
} from '@downbeat/saga-domain';
import { schedulesProjection } from './schedules.projection';

const name = 'nightly';
const at = (minute: number) => `2026-03-01T09:0${minute}:00.000Z` as Instant;
const plan: SchedulePlan = {
  workflow_name: 'count-stock',
  cron: '* * * * *',
  time_zone: 'UTC',
  context_data: {},
  overlap: 'queue',
  catch_up_minutes: 10,
};
const history: readonly ScheduleEvent[] = [
  { type: 'ScheduleSet', data: { name, plan, at: at(0) } },
  { type: 'OccurrenceDue', data: { name, due_at: at(1), correlation_id: 'c', at: at(1) } },
  { type: 'OccurrenceStarted', data: { name, due_at: at(1), workflow_id: 'w', at: at(1) } },
  { type: 'OccurrenceQueued', data: { name, due_at: at(2), at: at(2) } },
  {
    type: 'OccurrenceEnded',
    data: { name, due_at: at(1), status: 'completed', at: at(2) },
  },
];

describe('the schedules that have to be looked after', () => {
  const { given } = tableSpecification(schedulesProjection.tables[0] as never);

  it('has one with an occurrence that waits for nothing any more, the keeper being gone', () => {
    expect(given(...(history as never[])).rows).toMatchObject([{ is_pending: true }]);
  });
});

describe('the occurrences of a schedule', () => {
  const { given } = tableSpecification(schedulesProjection.tables[1] as never);
  const archived = (correlation_id: string) => ({
    type: 'WorkflowArchived',
    data: { run: { correlation_id }, at: at(5) },
  });
  const left = (...ids: readonly string[]) =>
    given(...([...history, ...ids.map(archived)] as never[])).rows as unknown as { id: string }[];

  it('leave the list with their runs', () => {
    expect(left(occurrenceId(name, at(1)))).toMatchObject([{ id: `nightly@${at(2)}` }]);
  });

  it('stay when runs are archived that are none of theirs', () => {
    const others = ['order-4711', 'schedule:', 'schedule:nightly', occurrenceId('other', at(1))];
    expect(left(...others)).toHaveLength(2);
  });
});

describe('the snapshot of a schedule', () => {
  const { given } = tableSpecification(schedulesProjection.tables[2] as never);
  const deleted: ScheduleEvent = { type: 'ScheduleDeleted', data: { name, at: at(3) } };

  it('is what its events come to, deleted or not', () => {
    for (const events of [history, [...history, deleted]]) {
      const [row] = given(...(events as never[])).rows as unknown as { state: Schedule }[];
      const kept = JSON.parse(JSON.stringify(row?.state)) as Schedule;
      expect(kept).toEqual(JSON.parse(JSON.stringify(fold(schedule, events))));
      for (const command of [tick, trigger])
        expect(schedule.decide(command, kept)).toEqual(
          schedule.decide(command, fold(schedule, events)),
        );
    }
  });
});
const tick: ScheduleCommand = { type: 'Tick', data: { name }, at: at(4) };
const trigger: ScheduleCommand = { type: 'TriggerSchedule', data: { name }, at: at(4) };
