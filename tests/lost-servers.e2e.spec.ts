import { invariants, violations } from '@downbeat/wedding';
import { book, ended, eventsOf } from './support/bookings';
import { judge } from './support/history';
import { Suite } from './support/suite';

describe('the suite, when its servers are killed under load', () => {
  let suite: Suite;
  beforeAll(async () => {
    suite = await Suite.start();
  });
  afterAll(() => suite?.stop(), 60_000);

  it.each([
    ['Postgres is killed', 'postgres', () => suite.crashPostgres()],
    ['nats-server is killed', 'nats', () => suite.crashNats()],
    ['the JetStream directory is deleted', 'jetstream', () => suite.crashNats({ losing: true })],
  ])(
    'keeps its processes and loses nothing that was accepted: %s',
    async (_, prefix, breakIt) => {
      const pids = [...suite.apps.values()].map(({ pid }) => pid);
      const before = await book(suite, `${prefix}-before`, 30);
      const during = book(suite, `${prefix}-during`, 30);
      await breakIt();
      const bookings = [
        ...before,
        ...(await during),
        ...(await book(suite, `${prefix}-after`, 10)),
      ];

      const statuses = await ended(suite, bookings, 90_000);
      expect(new Set(statuses.values())).toEqual(new Set(['completed', 'compensated']));
      expect([...suite.apps.values()].map(({ pid }) => pid)).toEqual(pids);

      const calls = suite.callLogs();
      for (const { workflow_id } of bookings) {
        const events = await eventsOf(suite, `stream=workflow-${workflow_id}`);
        expect(judge(workflow_id, events, calls)).toEqual([]);
      }
      expect(violations(invariants(calls))).toEqual([]);
      const { body } = await suite.request('POST', '/audit/verify', {
        read_model: 'saga.workflows',
      });
      expect(body).toMatchObject({
        hash_chain: { is_intact: true },
        read_model: { is_equal: true },
      });
    },
    240_000,
  );
});
