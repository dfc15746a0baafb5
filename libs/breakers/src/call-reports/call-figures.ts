import { observabilityContract, type DataOf } from '@downbeat/contracts';
import { instantOf } from '@downbeat/eventsourcing';

const { CALL_FIGURES_MAX, durationBucketOf, OTHER } = observabilityContract;

export type CallReport = DataOf<typeof observabilityContract.recordCalls>;
type Figures = CallReport['calls'][number];
export type CallEnd = 'ok' | 'client_errors' | 'server_errors' | 'unanswered';

/** A call that has ended. */
export interface EndedCall {
  readonly target: string;
  readonly protocol: Figures['protocol'];
  readonly method: string;
  /** As a template. */
  readonly endpoint: string;
  readonly end: CallEnd;
  readonly durationMs: number;
  /** Milliseconds since 1970. */
  readonly endedAtMs: number;
}

const MINUTE_MS = 60_000;
const METHOD = /^[A-Z]{1,16}$/;
/** The rest is for endpoints, and targets, without a row of their own. */
const NAMED_MAX = CALL_FIGURES_MAX - 100;
const NAMED_TARGETS_MAX = CALL_FIGURES_MAX - 20;

export const endOfStatus = (status: number): CallEnd =>
  status >= 500 ? 'server_errors' : status >= 400 ? 'client_errors' : 'ok';

/** The calls of one source, counted by minute and endpoint: bounded, whatever is called. */
export class CallFiguresOf {
  private figures = new Map<string, Figures>();
  private lost = 0;

  constructor(private readonly source: string) {}

  get isEmpty(): boolean {
    return this.figures.size === 0 && this.lost === 0;
  }

  count(call: EndedCall): void {
    const figures = this.roomFor(call);
    if (!figures) {
      this.lost++;
      return;
    }
    const us = Math.max(0, Math.round(call.durationMs * 1_000));
    const bucket = durationBucketOf(us);
    figures[call.end]++;
    figures.duration_us += us;
    figures.durations[bucket] = (figures.durations[bucket] ?? 0) + 1;
  }

  /** Nothing is known of them but that there were so many. */
  lose(calls: number): void {
    this.lost += calls;
  }

  /** What was counted since it was taken last. */
  take(): Omit<CallReport, 'report_id'> {
    const calls = [...this.figures.values()];
    const lost = this.lost === 0 ? {} : { lost_calls: this.lost };
    this.figures = new Map();
    this.lost = 0;
    return { calls, ...lost };
  }

  private roomFor({
    target,
    protocol,
    method,
    endpoint,
    endedAtMs,
  }: EndedCall): Figures | undefined {
    const minute = Math.floor(endedAtMs / MINUTE_MS);
    const said = METHOD.test(method) ? method : '*';
    return (
      this.row(minute, target, protocol, said, endpoint, NAMED_MAX) ??
      this.row(minute, target, protocol, '*', OTHER, NAMED_TARGETS_MAX) ??
      this.row(minute, OTHER, protocol, '*', OTHER, CALL_FIGURES_MAX)
    );
  }

  private row(
    minute: number,
    target_service: string,
    protocol: Figures['protocol'],
    method: string,
    endpoint: string,
    sizeMax: number,
  ): Figures | undefined {
    const key = `${minute} ${target_service} ${protocol} ${method} ${endpoint}`;
    const known = this.figures.get(key);
    if (known || this.figures.size >= sizeMax) return known;
    const figures: Figures = {
      ...{ source_service: this.source, target_service, protocol, method, endpoint },
      minute: instantOf(minute * MINUTE_MS),
      ...{ ok: 0, client_errors: 0, server_errors: 0, unanswered: 0 },
      ...{ duration_us: 0, durations: {} },
    };
    this.figures.set(key, figures);
    return figures;
  }
}

/** How many calls a report tells of. */
export const callsOf = ({ calls, lost_calls = 0 }: Omit<CallReport, 'report_id'>): number =>
  calls.reduce(
    (sum, one) => sum + one.ok + one.client_errors + one.server_errors + one.unanswered,
    lost_calls,
  );
