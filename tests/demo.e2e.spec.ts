import { invariants, violations } from '@downbeat/wedding';
import { book, ended, eventsOf } from './support/bookings';
import { eventually, quickOnce } from '@downbeat/test-bench';
import { first } from './support/first';
import { Suite } from './support/suite';

interface Listed {
  readonly workflows: readonly {
    readonly correlation_id: string;
    readonly current_status: string;
  }[];
  readonly status_summary: Readonly<Record<string, number>>;
}

describe('the suite with the demo on it', () => {
  let suite: Suite;
  beforeAll(async () => {
    suite = await Suite.start();
  });
  afterAll(() => suite?.stop(), 60_000);

  it('books the weddings that can be paid and undoes the others', async () => {
    const bookings = await book(suite, 'demo', 12);
    const statuses = await ended(suite, bookings);
    for (const [index, { booking_id }] of bookings.entries())
      expect(statuses.get(booking_id)).toBe(index % 3 === 2 ? 'compensated' : 'completed');
    expect(violations(invariants(suite.callLogs()))).toEqual([]);
  });

  it('shows the state of any moment, as it was then', async () => {
    const booking = first(await book(suite, 'moment', 1));
    await ended(suite, [booking]);
    const events = await eventsOf(suite, `stream=workflow-${booking.workflow_id}`);
    const middle = first(events, ({ type }) => type === 'DecisionTaken');
    const last = first(events, ({ type }) => type === 'WorkflowCompleted');

    const status = await suite.get<{
      workflow: { current_status: string };
      steps: { status: string }[];
    }>(`/workflows/${booking.workflow_id}/status?at=${middle.position}`);
    expect(status.workflow.current_status).toBe('running');
    const list = await suite.get<Listed>(
      `/workflows?at=${middle.position}&correlation_id=moment-0`,
    );
    expect(list.workflows).toMatchObject([{ current_status: 'running' }]);
    const now = await suite.get<Listed>(
      `/workflows?min_position=${last.position}&correlation_id=moment-0`,
    );
    expect(now.workflows).toMatchObject([{ current_status: 'completed' }]);
    const byTime = await suite.get<Listed>(
      `/workflows?at=${encodeURIComponent(middle.recorded_at)}&correlation_id=moment-0`,
    );
    expect(byTime.workflows).toMatchObject([{ current_status: 'running' }]);
  });

  it.each(['registry.services', 'health.checks', 'saga.workflows'])(
    'has in %s what a rebuild from the log gives',
    async (read_model) => {
      const { status, body } = await suite.request('POST', '/audit/verify', { read_model });
      expect(status).toBe(200);
      expect(body).toMatchObject({
        hash_chain: { is_intact: true },
        read_model: { name: read_model, is_equal: true },
      });
    },
  );

  it('derives every decision of a run again from its events', async () => {
    const { body } = await suite.request<{ streams: { decisions_compared: number }[] }>(
      'POST',
      '/audit/replay',
      { correlation_id: 'demo-2' },
    );
    expect(body.streams).toHaveLength(1);
    const replayed = first(body.streams);
    expect(replayed).not.toHaveProperty('first_difference');
    expect(replayed.decisions_compared).toBeGreaterThan(3);
  });

  it('takes a service that stops answering out of the lookup within a second of its threshold', async () => {
    // Its checks run every second and two must fail.
    await quickOnce(4_000, async (number) => {
      const name = ['photographer', 'catering', 'venue'][number];
      const found = () =>
        suite.get<{ instances: unknown[] }>(`/discovery/instances?service_name=${name}`);
      await eventually(found, ({ instances }) => expect(instances).toHaveLength(1));
      const began = performance.now();
      await suite.killParticipant(String(name));
      await eventually(found, ({ instances }) => expect(instances).toHaveLength(0));
      return performance.now() - began;
    });
  });
});
