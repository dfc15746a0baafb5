import type { Append, Appended } from '@downbeat/event-store';
import { Fault } from '@downbeat/eventsourcing';
import { Counter, Histogram, type Registry } from 'prom-client';
import { Durations } from './durations';

/** Of one flush, at most 512. */
const FLUSH_APPENDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const OUTCOMES = [
  ...['appended', 'repeated', 'stream-version-conflict', 'lease-lost', 'receipt-conflict'],
  ...['append-refused', 'unavailable', 'overloaded', 'broke'],
];
const STORE_CODE = /^event-store\//;

/** Counts and times what this process appends to the log. */
export class LogMetrics {
  private readonly counts = new Map<string, Map<string, number>>();
  private readonly appends: Counter<'context' | 'outcome'>;
  private readonly durations: Durations<'context'>;
  private readonly flushes: Histogram<'context'>;

  constructor(registry: Registry) {
    const registers = [registry];
    const { counts } = this;
    new Counter({
      registers,
      name: 'downbeat_log_events_total',
      help: 'Events this process has appended, by type',
      labelNames: ['context', 'type'],
      collect() {
        this.reset();
        for (const [context, types] of counts)
          for (const [type, count] of types) this.inc({ context, type }, count);
      },
    });
    this.appends = new Counter({
      registers,
      name: 'downbeat_log_appends_total',
      help: 'Appends of this process: appended, repeated, or what stood against it',
      labelNames: ['context', 'outcome'],
    });
    this.durations = new Durations(registry, {
      name: 'downbeat_log_append_duration_seconds',
      help: 'From the wish to append until it is committed, the wait for the flush included',
      labelNames: ['context'],
    });
    this.flushes = new Histogram({
      registers,
      name: 'downbeat_log_flush_appends',
      help: 'Appends that were sent to the database together, in one transaction',
      labelNames: ['context'],
      buckets: FLUSH_APPENDS,
    });
  }

  appended(context: string, append: Append, { repeated }: Appended, beganMs: number): void {
    this.appends.inc({ context, outcome: repeated ? 'repeated' : 'appended' });
    this.durations.tookMs({ context }, performance.now() - beganMs, append.meta.traceparent);
    if (!repeated) this.countEvents(context, append);
  }

  /** Everything that may happen has not happened yet: a rise from nothing is none to Prometheus. */
  begin(context: string): void {
    for (const outcome of OUTCOMES) this.appends.inc({ context, outcome }, 0);
  }

  failed(context: string, fault: unknown): void {
    const code = fault instanceof Fault ? fault.code.replace(STORE_CODE, '') : 'broke';
    this.appends.inc({ context, outcome: code });
  }

  flushed(context: string, appends: number): void {
    this.flushes.observe({ context }, appends);
  }

  private countEvents(context: string, { events }: Append): void {
    let types = this.counts.get(context);
    if (!types) this.counts.set(context, (types = new Map()));
    for (const { type } of events) types.set(type, (types.get(type) ?? 0) + 1);
  }
}
