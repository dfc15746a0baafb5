import type { Instant } from '@downbeat/eventsourcing';
import { specification } from '@downbeat/eventsourcing/testing';
import { someCalls } from '../testing/some-calls';
import { callReport, type CallFigures, type CallsRecorded, type RecordCalls } from './call-report';

const { given } = specification(callReport);
const at = '2026-03-01T09:30:20.000Z' as Instant;
const record = (...calls: CallFigures[]): RecordCalls => ({
  type: 'RecordCalls',
  data: { report_id: 'shop.1', calls },
  at,
});
const recorded = (...calls: CallFigures[]): CallsRecorded => ({
  type: 'CallsRecorded',
  data: { report_id: 'shop.1', calls, at },
});

describe('a report of calls', () => {
  it('is one event', () => given().when(record(someCalls())).then(recorded(someCalls())));

  it('counts once, however often it comes', () =>
    given(recorded(someCalls())).when(record(someCalls())).thenNothing());

  it('tells of whole minutes', () =>
    given()
      .when(record(someCalls({ minute: '2026-03-01T09:30:17.123Z' })))
      .then(recorded(someCalls())));

  it('may say only that calls were lost', () =>
    given()
      .when({ type: 'RecordCalls', data: { report_id: 'shop.1', calls: [], lost_calls: 3 }, at })
      .then({
        type: 'CallsRecorded',
        data: { report_id: 'shop.1', calls: [], lost_calls: 3, at },
      }));

  it('says something', () => given().when(record()).thenRejected('invalid-input'));

  it.each([
    ['of this afternoon', '2026-03-01T13:30:00.000Z'],
    ['of the day before yesterday', '2026-02-27T09:30:00.000Z'],
  ])('has no minute %s, and says which it is', (_, minute) => {
    const report = record(someCalls(), someCalls({ minute }));
    given().when(report).thenRejected('calls-misdated');
    expect(callReport.decide(report, undefined)).toMatchObject({
      kind: 'invalid',
      errors: [{ field: 'calls.1.minute' }],
    });
  });
});
