import type { AlertMetric, Measurable } from '@downbeat/observability-domain';
import type { ProcessReport } from './process-report';

/** The last report of one life of a process. */
export interface Heard {
  readonly report: ProcessReport;
  readonly atMs: number;
}

/** A report is older than this only when its process is away, or NATS is. */
export const FRESH_MS = 15_000;
/** A life that was not heard of for so long, while another one of its name is, was replaced. */
const REPLACED_AFTER_MS = 60_000;
/** A life that was not heard of for so long is over; the silence of its name goes on. */
export const FORGOTTEN_AFTER_MS = 3_600_000;

type Speaks = (report: ProcessReport, name: string | undefined) => boolean;
type Context = ProcessReport['contexts'][number];

const byProcess: Speaks = (report, name) => report.name === name;
const byContext =
  (tells: (one: Context) => boolean): Speaks =>
  ({ contexts }, name) =>
    contexts.some((one) => one.context === name && tells(one));

/** Whose reports tell of what: by the service of a subject. */
const SPEAKS: Readonly<Partial<Record<AlertMetric, Speaks>>> = {
  process_memory_bytes: byProcess,
  bus_waiting: byProcess,
  bus_quarantined_total: byProcess,
  bus_handler_timeouts_total: byProcess,
  bus_disconnects_total: byProcess,
  bus_server_gave_up_total: byProcess,
  projection_lag_positions: byContext(({ projections }) => projections.length > 0),
  projection_parked_streams: byContext(({ projections }) => projections.length > 0),
  relay_finds_total: byContext(({ relay_finds }) => relay_finds !== undefined),
  publications_unsent: byContext(
    ({ relay_finds, unsent }) => relay_finds !== undefined || unsent !== undefined,
  ),
  queue_messages: (report, name) => byProcess(report, name) && report.queues !== undefined,
  queue_oldest_seconds: (report, name) => byProcess(report, name) && report.queues !== undefined,
};

/** Whoever lacks the relay's lock cannot say it, and only the last report of a life is kept. */
const SAYS: typeof SPEAKS = {
  publications_unsent: byContext(({ unsent }) => unsent !== undefined),
};

const SHARED: ReadonlySet<AlertMetric> = new Set([
  'projection_lag_positions',
  'projection_parked_streams',
  'publications_unsent',
  'queue_messages',
  'queue_oldest_seconds',
]);

/** Whether what a subject is not heard of may still be: whoever speaks for it says nothing for now. */
export function uncertainty(
  heard: readonly Heard[],
  expected: readonly string[],
  listeningSinceMs: number,
  nowMs: number,
): (of: Measurable) => boolean {
  const silentMs = (of: readonly Heard[]): number =>
    nowMs - Math.max(listeningSinceMs, ...of.map(({ atMs }) => atMs));
  const isFresh = ({ atMs }: Heard): boolean => nowMs - atMs <= FRESH_MS;

  return ({ metric, subject, service_name }) => {
    if (metric === 'process_silent_seconds') {
      const isKnown = heard.some(({ report }) => report.name === subject);
      return !isKnown && !expected.includes(subject) && silentMs([]) <= FORGOTTEN_AFTER_MS;
    }
    const speaks = SPEAKS[metric];
    if (!speaks) return false;
    const speakers = heard.filter(({ report }) => speaks(report, service_name));
    const says = SAYS[metric] ?? speaks;
    const isHeard = speakers.some((one) => isFresh(one) && says(one.report, service_name));
    if (SHARED.has(metric)) return !isHeard && silentMs(speakers) <= FORGOTTEN_AFTER_MS;
    // `<process or context> <life>`
    const life = subject.split(' ').at(-1);
    const own = speakers.filter(({ report }) => report.process_id === life);
    return (
      !own.some(isFresh) && silentMs(own) <= (isHeard ? REPLACED_AFTER_MS : FORGOTTEN_AFTER_MS)
    );
  };
}
