import type { Instant } from '@downbeat/eventsourcing';
import { tableSpecification } from '@downbeat/projections/testing';
import type { ScheduleEvent, SchedulePlan } from '@downbeat/saga-domain';
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
