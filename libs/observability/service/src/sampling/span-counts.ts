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
    const counter = (name: string, help: string, valueOf: () => number): void => {
      new Counter({
        registers: [registry],
        name: `downbeat_spans_${name}_total`,
        help,
        collect() {
          this.reset();
          this.inc(valueOf());
        },
      });
    };
    counter('received', 'Spans of requests that were read', () => this.received);
    counter('kept', 'Spans that are in the log; what was sent twice counts twice', () => this.kept);
    counter('sampled_away', 'Spans of traces that were not worth keeping', () => this.sampledAway);
    counter('refused', 'Spans that cannot be kept for what they are', () => this.refused);
    counter('put_off', 'Spans that shall be sent again, since they could not be kept', () => {
      return this.putOff;
    });
    new Gauge({
      registers: [registry],
      name: 'downbeat_spans_undecided',
      help: 'Spans that are held until it is known whether their trace is worth keeping',
      collect() {
        this.set(undecided());
      },
    });
  }
}
