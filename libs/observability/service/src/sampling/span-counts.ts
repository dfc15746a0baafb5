import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Registry } from 'prom-client';

/** What became of the spans that came in over OTLP, since the process began. */
@Injectable()
export class SpanCounts {
  received = 0;
  kept = 0;
  sampledAway = 0;
  refused = 0;
  putOff = 0;

  /** Shows them to whoever scrapes. Those put off come again, and count again. */
  show(registry: Registry, undecided: () => number): void {
    const valuesOf = (): Readonly<Record<string, number>> => ({
      kept: this.kept,
      sampled_away: this.sampledAway,
      refused: this.refused,
      put_off: this.putOff,
    });
    const received = (): number => this.received;
    new Counter({
      registers: [registry],
      name: 'downbeat_observability_spans_received_total',
      help: 'Spans of requests that were read',
      collect() {
        this.reset();
        this.inc(received());
      },
    });
    new Counter({
      registers: [registry],
      name: 'downbeat_observability_spans_total',
      help: 'What became of them: kept, those sent twice counted twice; sampled away; refused; put off, to be sent again',
      labelNames: ['outcome'],
      collect() {
        this.reset();
        for (const [outcome, count] of Object.entries(valuesOf())) this.inc({ outcome }, count);
      },
    });
    new Gauge({
      registers: [registry],
      name: 'downbeat_observability_spans_undecided',
      help: 'Spans that are held until it is known whether their trace is worth keeping',
      collect() {
        this.set(undecided());
      },
    });
  }
}
