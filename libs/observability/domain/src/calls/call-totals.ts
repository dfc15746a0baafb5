import { callsIn, type CallFigures, type Ending } from './call-report';

/** Calls added up, whatever they have in common. */
export type CallTotals = Pick<CallFigures, Ending | 'duration_us' | 'durations'>;

export const noCalls: CallTotals = {
  ok: 0,
  client_errors: 0,
  server_errors: 0,
  unanswered: 0,
  duration_us: 0,
  durations: {},
};

export function added(one: CallTotals, other: CallTotals): CallTotals {
  const durations: Record<string, number> = { ...one.durations };
  for (const [bucket, count] of Object.entries(other.durations))
    durations[bucket] = (durations[bucket] ?? 0) + count;
  return {
    ok: one.ok + other.ok,
    client_errors: one.client_errors + other.client_errors,
    server_errors: one.server_errors + other.server_errors,
    unanswered: one.unanswered + other.unanswered,
    duration_us: one.duration_us + other.duration_us,
    durations,
  };
}

/** That the target is to blame for. */
export const errorsIn = ({
  server_errors,
  unanswered,
}: Pick<CallTotals, 'server_errors' | 'unanswered'>): number => server_errors + unanswered;

export { callsIn };
