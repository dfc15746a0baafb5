import { observabilityContract } from '@downbeat/contracts';
import { instantOf, type Instant } from '@downbeat/eventsourcing';
import type { CallFigures, CallsRecorded } from './call-report';
import { added, noCalls, type CallTotals } from './call-totals';

const { ENDPOINTS_KEPT, HOURS_KEPT, MINUTES_KEPT, OTHER } = observabilityContract;

/** The calls from one service to another over one protocol, in one minute or hour. */
export interface RecordedCalls {
  readonly source_service: string;
  readonly target_service: string;
  readonly protocol: string;
  readonly began_at: Instant;
  readonly totals: CallTotals;
  /** By method and endpoint; beyond {@link ENDPOINTS_KEPT} all others together. */
  readonly endpoints: Readonly<Record<string, CallTotals>>;
}

/** Stretches of time that are kept: the place of one serves again when so many have passed. */
export interface Ring {
  readonly stretchMs: number;
  readonly places: number;
}

export const minutes: Ring = { stretchMs: 60_000, places: MINUTES_KEPT };
export const hours: Ring = { stretchMs: 3_600_000, places: HOURS_KEPT };

const numberOf = ({ stretchMs }: Ring, instant: string): number =>
  Math.floor(Date.parse(instant) / stretchMs);

/** No name of a service has a colon. */
export const placeOfCalls = (
  ring: Ring,
  { source_service, target_service, protocol, minute }: CallFigures,
): string =>
  `${source_service}:${target_service}:${protocol}:${numberOf(ring, minute) % ring.places}`;

export const placesIn = (ring: Ring, { calls }: CallsRecorded['data']): readonly string[] => [
  ...new Set(calls.map((one) => placeOfCalls(ring, one))),
];

/** The calls in one place of the ring, and those that a report adds to them; what is too old for it is left out. */
export function withReport(
  ring: Ring,
  before: RecordedCalls | undefined,
  { calls }: CallsRecorded['data'],
  place: string,
): RecordedCalls | undefined {
  let recorded = before;
  for (const one of calls)
    if (placeOfCalls(ring, one) === place) recorded = withFigures(ring, recorded, one);
  return recorded;
}

function withFigures(
  ring: Ring,
  before: RecordedCalls | undefined,
  figures: CallFigures,
): RecordedCalls | undefined {
  const number = numberOf(ring, figures.minute);
  const there = before && numberOf(ring, before.began_at);
  if (there !== undefined && there > number) return before;
  const { source_service, target_service, protocol } = figures;
  const known = there === number ? before : undefined;
  const endpoints = known?.endpoints ?? {};
  const endpoint = roomFor(endpoints, `${figures.method} ${figures.endpoint}`);
  const totals = totalsOf(figures);
  return {
    source_service,
    target_service,
    protocol,
    began_at: instantOf(number * ring.stretchMs),
    totals: added(known?.totals ?? noCalls, totals),
    endpoints: { ...endpoints, [endpoint]: added(endpoints[endpoint] ?? noCalls, totals) },
  };
}

const ALL_OTHERS = `* ${OTHER}`;

function roomFor(endpoints: RecordedCalls['endpoints'], endpoint: string): string {
  if (Object.hasOwn(endpoints, endpoint)) return endpoint;
  const named = Object.keys(endpoints).filter((one) => one !== ALL_OTHERS).length;
  return named < ENDPOINTS_KEPT ? endpoint : ALL_OTHERS;
}

const totalsOf = (figures: CallFigures): CallTotals => ({
  ok: figures.ok,
  client_errors: figures.client_errors,
  server_errors: figures.server_errors,
  unanswered: figures.unanswered,
  duration_us: figures.duration_us,
  durations: figures.durations,
});
