import type { Instant } from '@downbeat/eventsourcing';
import { tableSpecification } from '@downbeat/projections/testing';
import { workflows } from './workflows.projection';

const at = '2026-03-01T09:30:00.000Z' as Instant;
const started = {
  type: 'WorkflowStarted',
  data: {
    workflow_id: '4711',
    workflow_name: 'book',
    workflow_version: '1.0.0',
    correlation_id: 'order-4711',
    initiating_service: 'shop',
    total_steps: 6,
    at,
  },
};
const reached = (place: number) => ({ type: 'StepStarted', data: { step: 'e', place, at } });
const migrated = (more: object) => ({
  type: 'WorkflowMigrated',
  data: { from_version: '1.0.0', to_version: '2.0.0', total_steps: 3, at, ...more },
});

describe('a run in the list that has migrated', () => {
  const { given } = tableSpecification(workflows.tables[0] as never);
  const on = { stream: 'workflow-4711' };
  const shown = (...events: readonly object[]) =>
    given(...(events.map((event) => ({ ...event, ...on })) as never[])).rows;

  it('is where its step stands now', () => {
    expect(shown(started, reached(5), migrated({ places: { e: 2 }, place: 2 }))).toMatchObject([
      { current_step: 2, total_steps: 3, workflow_version: '2.0.0' },
    ]);
  });

  it('stays where it is when no step has moved', () => {
    expect(shown(started, reached(2), migrated({}))).toMatchObject([{ current_step: 2 }]);
  });

  it('is never further than the end, whatever the event leaves unsaid', () => {
    expect(shown(started, reached(5), migrated({ places: { e: 2 } }))).toMatchObject([
      { current_step: 3, total_steps: 3 },
    ]);
  });
});
