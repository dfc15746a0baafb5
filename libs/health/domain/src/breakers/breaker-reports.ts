import type { DataOf, healthContract } from '@downbeat/contracts';
import {
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';

type Report = DataOf<typeof healthContract.reportBreakers>;
type Held = Report['breakers'][number] & { readonly breaker_id: string };
export type ReportedTransition = Held['transitions'][number];
export type CallsOfBreaker = Held['calls'][number];

/** A report whose breakers have got their ids. */
export interface BreakerReport extends Omit<Report, 'breakers'> {
  readonly [field: string]: unknown;
  readonly breakers: readonly Held[];
}

export type BreakerReportsCommand = Command<'ReportBreakers', BreakerReport>;

/** What one breaker of one process did, and what it knew then. */
export type BreakerTransitioned = Message<
  'BreakerTransitioned',
  ReportedTransition & {
    readonly holder: string;
    readonly report_no: number;
    readonly breaker_id: string;
    readonly service_name: string;
    readonly target_service: string;
    readonly endpoint_pattern: string;
    readonly reported_at: Instant;
  }
>;

export type CountedBreaker = Omit<Held, 'transitions'>;

/** How the breakers of a report are, and what was called through them since the report before. */
export type BreakersCounted = Message<
  'BreakersCounted',
  {
    readonly holder: string;
    readonly report_no: number;
    readonly is_leaving: boolean;
    readonly breakers: readonly CountedBreaker[];
    readonly reported_at: Instant;
  }
>;

export type BreakerReportsEvent = BreakerTransitioned | BreakersCounted;

/** The newest report of a holder; older ones were heard. */
export interface BreakerReports {
  readonly reportNo: number;
}

/** So that no stream grows for as long as a process lives. */
const REPORTS_PER_STREAM = 1_000;

/**
 * A thousand reports of one holder: the next thousand has the next stream.
 *
 * @param isOfService It was told in the name of a service: `web1.internal` of service `web1` is not the host of that
 *   name, and must not be able to say what is then taken for heard of it. No holder has a `%`.
 */
export function breakerReportsStream(
  holder: string,
  reportNo: number,
  isOfService: boolean,
): StreamName {
  const name = isOfService ? holder : holder.replaceAll('.', '%');
  const part = Math.floor((reportNo - 1) / REPORTS_PER_STREAM);
  return streamName('breaker-reports', `${name}.${part}`);
}

/** What a holder tells of its breakers: each report counts once, in whichever order they arrive. */
export const breakerReports: Decider<BreakerReports, BreakerReportsCommand, BreakerReportsEvent> = {
  initialState: { reportNo: 0 },

  decide({ data, at }, { reportNo }) {
    const { holder, report_no, is_leaving } = data;
    if (report_no <= reportNo) return [];
    const breakers = data.breakers.map((one) => notOfTheFuture(one, at));
    return [
      ...breakers.flatMap((one) => transitionsOf(one, holder, report_no, at)),
      {
        type: 'BreakersCounted',
        data: {
          holder,
          report_no,
          is_leaving,
          breakers: breakers.map(({ transitions: _, ...counted }) => counted),
          reported_at: at,
        },
      },
    ];
  },

  evolve(state, event) {
    switch (event.type) {
      case 'BreakerTransitioned':
        return state;
      case 'BreakersCounted':
        return { reportNo: event.data.report_no };
    }
  },
};

function transitionsOf(
  { transitions, ...one }: Held,
  holder: string,
  report_no: number,
  reported_at: Instant,
): readonly BreakerTransitioned[] {
  const { breaker_id, service_name, target_service, endpoint_pattern } = one;
  const of = { holder, report_no, breaker_id, service_name, target_service, endpoint_pattern };
  return transitions.map((transition) => ({
    type: 'BreakerTransitioned',
    data: { ...of, ...transition, reported_at },
  }));
}

/** A holder's clock may go ahead of ours: what it tells of has happened all the same. */
function notOfTheFuture(held: Held, now: Instant): Held {
  const past = (instant: string): string => (Date.parse(instant) > Date.parse(now) ? now : instant);
  return {
    ...held,
    ...(held.since !== undefined && { since: past(held.since) }),
    ...(held.last_failure_at !== undefined && { last_failure_at: past(held.last_failure_at) }),
    transitions: held.transitions.map((one) => ({ ...one, at: past(one.at) })),
    calls: held.calls.map((one) => ({ ...one, from: past(one.from) })),
  };
}
