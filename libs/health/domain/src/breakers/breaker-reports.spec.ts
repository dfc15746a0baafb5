import type { Instant } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import {
  breakerReports,
  breakerReportsStream,
  type BreakerReportsCommand,
  type BreakerReportsEvent,
} from './breaker-reports';

const { given } = specification(breakerReports);
const at = '2026-03-01T09:30:00.000Z' as Instant;
const before = '2026-03-01T09:29:00.000Z';
const later = '2026-03-01T10:00:00.000Z';

const key = {
  breaker_id: '3f2b8c1e-5d43-8a7f-9c21-0e6d5b4a3f21',
  service_name: 'shop',
  target_service: 'billing',
  endpoint_pattern: '*',
};
const counted = {
  ...key,
  state: 'open' as const,
  mode: 'automatic' as const,
  failure_count: 5,
  success_count: 0,
  failure_threshold: 5,
  success_threshold: 3,
  timeout_duration: 60,
  transitions_lost: 0,
  calls: [
    { from: before, seconds: 60, calls: 9, failures: 5, slow: 0, refused: 0, failures_in_a_row: 5 },
  ],
  orders_done: [],
};
const opened = {
  at: before,
  from: 'closed' as const,
  to: 'open' as const,
  mode: 'automatic' as const,
  cause: { kind: 'waited' as const },
};
const report = (report_no: number, more: object = {}): BreakerReportsCommand => ({
  type: 'ReportBreakers',
  data: {
    holder: 'shop-1',
    report_no,
    is_leaving: false,
    breakers: [{ ...counted, transitions: [opened], ...more }],
  },
  at,
});
const heard = (report_no: number, more: object = {}): BreakerReportsEvent => ({
  type: 'BreakersCounted',
  data: {
    holder: 'shop-1',
    report_no,
    is_leaving: false,
    breakers: [{ ...counted, ...more }],
    reported_at: at,
  },
});
const transitioned = (report_no: number, more: object = {}): BreakerReportsEvent => ({
  type: 'BreakerTransitioned',
  data: { ...key, holder: 'shop-1', report_no, ...opened, ...more, reported_at: at },
});

describe('the reports of a holder', () => {
  it('are an event for each transition, and one for the counts', () =>
    given().when(report(1)).then(transitioned(1), heard(1)));

  it('count once', () => given(heard(7)).when(report(7)).thenNothing());

  it('that are older than the newest were heard', () =>
    given(heard(7)).when(report(6)).thenNothing());

  it('may have gaps: each brings along how the breakers are', () =>
    given(heard(7)).when(report(9)).then(transitioned(9), heard(9)));

  it('tell of nothing that is still to come', () =>
    given()
      .when(
        report(1, {
          since: later,
          transitions: [{ ...opened, at: later }],
          calls: [{ ...counted.calls[0], from: later }],
        }),
      )
      .then(
        transitioned(1, { at }),
        heard(1, { since: at, calls: [{ ...counted.calls[0], from: at }] }),
      ));

  it('are others than those of a service whose holder is called the same', () => {
    const [service, host] = [true, false].map((isOfService) =>
      breakerReportsStream('web1.internal', 1, isOfService),
    );
    // As it was before the two were kept apart.
    expect(service).toBe('breaker-reports-web1.internal.0');
    expect(host).toBe('breaker-reports-web1%internal.0');
  });

  it('have a stream for each thousand', () =>
    expect([1, 1_000, 1_001].map((no) => breakerReportsStream('shop-1', no, false))).toEqual([
      'breaker-reports-shop-1.0',
      'breaker-reports-shop-1.0',
      'breaker-reports-shop-1.1',
    ]));
});
