import type { Instant } from '@downbeat/eventsourcing';
import type { BreakerEvent } from '@downbeat/health-domain';
import { tableSpecification, type GivenEvent } from '@downbeat/projections/testing';
import { breakerDefaultsTable } from './breaker-defaults.table';
import { breakerHourTable } from './breaker-hour.table';
import { breakerTable } from './breaker.table';

const rows = tableSpecification(breakerTable);
const hours = tableSpecification(breakerHourTable);
const defaults = tableSpecification(breakerDefaultsTable);

const at = '2026-03-01T09:30:00.000Z' as Instant;
const named = {
  breaker_id: '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21',
  service_name: 'shop',
  target_service: 'billing',
  endpoint_pattern: '*',
};
const other = { ...named, breaker_id: '7a3b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21', target_service: 'x' };
const settings = { failure_threshold: 5, success_threshold: 3, timeout_duration: 60 };
const calls = (from: string, failures: number) => ({
  ...{ from, seconds: 60, calls: 10, failures, slow: 0, refused: 0 },
  failures_in_a_row: failures,
});
const counted = (
  report_no: number,
  ...held: readonly [key: typeof named, ...calls: ReturnType<typeof calls>[]][]
): GivenEvent<BreakerEvent> => ({
  type: 'BreakersCounted',
  data: {
    holder: 'shop-1',
    report_no,
    is_leaving: false,
    reported_at: at,
    breakers: held.map(([key, ...minutes]) => ({
      ...key,
      ...settings,
      ...{ state: 'closed', mode: 'automatic', failure_count: 0, success_count: 0 },
      ...{ transitions_lost: 0, calls: minutes, orders_done: [] },
    })),
  },
});
const transitioned: GivenEvent<BreakerEvent> = {
  type: 'BreakerTransitioned',
  data: {
    ...named,
    ...{ holder: 'shop-1', report_no: 1, at: '2026-03-01T09:59:59.000Z', reported_at: at },
    ...{ from: 'closed', to: 'open', mode: 'automatic', cause: { kind: 'waited' } },
  },
};
const created: GivenEvent<BreakerEvent> = {
  type: 'BreakerCreated',
  data: { ...named, settings, at },
};
const removed: GivenEvent<BreakerEvent> = { type: 'BreakerRemoved', data: { ...named, at } };
const order = (order_no: number): GivenEvent<BreakerEvent> => ({
  type: 'BreakerResetOrdered',
  data: { ...named, order_no, reason: 'repaired', force: false, at },
});

describe('the rows of breakers', () => {
  it('come with whoever tells of them first', () => {
    expect(rows.given(created).rows).toMatchObject([{ settings, holders: {} }]);
    expect(rows.given(counted(1, [named], [other])).rows).toMatchObject([
      { target_service: 'billing', settings: null, holders: { 'shop-1': { state: 'closed' } } },
      { target_service: 'x' },
    ]);
  });

  it('go with their settings when nobody holds them', () => {
    rows.given(created, removed).thenNoRows();
    expect(rows.given(created, counted(1, [named]), removed).rows).toMatchObject([
      { settings: null },
    ]);
  });

  it('keep the newest eight orders, and who gave them', () => {
    const orders = Array.from({ length: 10 }, (_, index) => order(index + 1));
    const [row] = rows.given(...orders).rows;
    expect(row?.orders.map(({ order_no }) => order_no)).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
    expect(row?.orders[0]).toMatchObject({ kind: 'reset', ordered_by: 'test', ordered_at: at });
  });
});

describe('the hours of breakers', () => {
  it('hold calls by the minute, and transitions, where they belong', () => {
    const minute = '2026-03-01T09:59:00.000Z';
    const next = '2026-03-01T10:00:00.000Z';
    const report = counted(1, [named, calls(minute, 2), calls(next, 1)], [other, calls(next, 7)]);
    const again = counted(2, [named, calls(minute, 3)]);
    const found = hours.given(transitioned, report, again).rows;
    expect(found.map(({ breaker_id, hour, minutes }) => [breaker_id, hour, minutes])).toEqual(
      expect.arrayContaining([
        [
          named.breaker_id,
          '2026-03-01T09:00:00.000Z',
          { 59: expect.objectContaining({ calls: 20, failures: 5, in_a_row: 3 }) },
        ],
        [
          named.breaker_id,
          '2026-03-01T10:00:00.000Z',
          { 0: expect.objectContaining({ failures: 1 }) },
        ],
        [
          other.breaker_id,
          '2026-03-01T10:00:00.000Z',
          { 0: expect.objectContaining({ failures: 7 }) },
        ],
      ]),
    );
    expect(found).toHaveLength(3);
    expect(found[0]?.transitions).toMatchObject([{ to: 'open', holder: 'shop-1' }]);
  });
});

describe('the defaults of breakers', () => {
  it('are there until they are removed', () => {
    const set: GivenEvent<BreakerEvent> = { type: 'BreakerDefaultsSet', data: { settings, at } };
    const gone: GivenEvent<BreakerEvent> = { type: 'BreakerDefaultsRemoved', data: { at } };
    expect(defaults.given(set).rows).toEqual([{ scope: 'all', settings }]);
    defaults.given(set, gone).thenNoRows();
  });
});
