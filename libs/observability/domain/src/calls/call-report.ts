import type { DataOf, observabilityContract } from '@downbeat/contracts';
import {
  epochMs,
  instantOf,
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

type Report = DataOf<typeof observabilityContract.recordCalls>;
/** How the calls of one minute to one endpoint ended. */
export type CallFigures = Report['calls'][number];

export type RecordCalls = Command<'RecordCalls', Report>;

/** What a caller told of its calls at once. */
export type CallsRecorded = Message<
  'CallsRecorded',
  {
    readonly report_id: string;
    readonly calls: readonly CallFigures[];
    readonly lost_calls?: number;
    readonly at: Instant;
  }
>;

/** Undefined: it has not come. */
export type CallReport = { readonly callCount: number } | undefined;

const MINUTE_MS = 60_000;
/** A clock may go ahead of ours by so much. */
const AHEAD_MS_MAX = 10 * MINUTE_MS;
/** Older minutes have no place any more where minutes are kept. */
const AGE_MS_MAX = 24 * 60 * MINUTE_MS;

export const callReportStream = (reportId: string): StreamName =>
  streamName('call-report', reportId);

export const callsIn = (one: Pick<CallFigures, Ending>): number =>
  one.ok + one.client_errors + one.server_errors + one.unanswered;

export type Ending = 'ok' | 'client_errors' | 'server_errors' | 'unanswered';

/** A report of calls: counted once, however often it comes. */
export const callReport: Decider<CallReport, RecordCalls, CallsRecorded> = {
  initialState: undefined,

  decide({ data: { report_id, calls, lost_calls }, at }, state) {
    if (state) return [];
    for (const [index, { minute }] of calls.entries()) {
      const fault = clockFaultOf(minute, epochMs(at));
      if (fault) return misdated(`calls.${index}.minute`, fault);
    }
    if (calls.length === 0 && !lost_calls) return empty();
    const whole = calls.map((one) => ({ ...one, minute: wholeMinute(one.minute) }));
    const lost = lost_calls ? { lost_calls } : {};
    return [{ type: 'CallsRecorded', data: { report_id, calls: whole, ...lost, at } }];
  },

  evolve: (_, { data: { calls } }) => ({
    callCount: calls.reduce((sum, one) => sum + callsIn(one), 0),
  }),
};

function clockFaultOf(minute: string, atMs: number): string | undefined {
  const minuteMs = Date.parse(minute);
  if (minuteMs > atMs + AHEAD_MS_MAX) return 'is more than 10 minutes in the future';
  if (minuteMs < atMs - AGE_MS_MAX) return 'is more than 24 hours in the past';
  return undefined;
}

const wholeMinute = (minute: string): Instant =>
  instantOf(Math.floor(Date.parse(minute) / MINUTE_MS) * MINUTE_MS);

const misdated = (field: string, message: string): Rejection =>
  new Rejection('calls-misdated', `${field} ${message}`, 'invalid', [{ field, message }]);

function empty(): Rejection {
  const message = 'must hold a call, or lost_calls must say that some were lost';
  return new Rejection('invalid-input', `calls ${message}`, 'invalid', [
    { field: 'calls', message },
  ]);
}
