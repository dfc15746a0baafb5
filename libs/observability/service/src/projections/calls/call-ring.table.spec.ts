import type { Instant } from '@downbeat/eventsourcing';
import type { CallsForgotten, CallsRecorded } from '@downbeat/observability-domain';
import { tableSpecification, type GivenEvent } from '@downbeat/projections/testing';
import { callHourTable, callMinuteTable } from './calls.projection';

const at = '2026-03-01T09:30:00.000Z' as Instant;
const later = '2026-03-04T09:30:00.000Z' as Instant;
const recorded = (target_service: string, minute: Instant): GivenEvent<CallsRecorded> => ({
  type: 'CallsRecorded',
  data: {
    report_id: target_service,
    at: minute,
    calls: [
      {
        ...{ source_service: 'shop', target_service, protocol: 'http', method: 'POST', minute },
        ...{ endpoint: '/invoices', ok: 1, client_errors: 0, server_errors: 0, unanswered: 0 },
        ...{ duration_us: 4_200, durations: { '48': 1 } },
      },
    ],
  },
});
const forgotten = (minutes: string[], hours: string[]): GivenEvent<CallsForgotten> => ({
  type: 'CallsForgotten',
  data: {
    minutes: { began_before: '2026-03-02T00:00:00.000Z' as Instant, places: minutes },
    hours: { began_before: '2026-01-02T00:00:00.000Z' as Instant, places: hours },
    at: later,
  },
});
const minutes = tableSpecification(callMinuteTable);
const hours = tableSpecification(callHourTable);
const placesIn = ({ rows }: { readonly rows: readonly { readonly place: string }[] }) =>
  rows.map(({ place }) => place);

describe('calls of long ago', () => {
  const [one, other] = [recorded('billing', at), recorded('made-up-1', at)];
  const [place = ''] = placesIn(minutes.given(other));

  it('leave their places', () =>
    expect(placesIn(minutes.given(one, other, forgotten([place], [])))).toEqual(
      placesIn(minutes.given(one)),
    ));

  it('leave no place that serves again', () =>
    expect(
      placesIn(minutes.given(other, recorded('made-up-1', later), forgotten([place], []))),
    ).toEqual([place]));

  it('are forgotten by minutes and by hours apart', () => {
    const [hour = ''] = placesIn(hours.given(other));
    expect(placesIn(hours.given(other, forgotten([place], [])))).toEqual([hour]);
    expect(placesIn(hours.given(other, forgotten([], [hour])))).toEqual([hour]);
    const old = recorded('made-up-1', '2026-01-01T09:30:00.000Z' as Instant);
    const [oldHour = ''] = placesIn(hours.given(old));
    expect(placesIn(hours.given(old, forgotten([], [oldHour])))).toEqual([]);
  });
});
