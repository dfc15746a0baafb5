import {
  PostgresEventStore,
  type Append,
  type Appended,
  type PostgresEventStoreOptions,
} from '@downbeat/event-store';
import { currentStory, inSpan, newTraceparent, type SpanFacts } from '@downbeat/message-bus';
import type { Tell } from '../debugging/debug-logs';
import { tellAppended } from '../debugging/told';
import type { LogMetrics } from '../metering/log-metrics';

/**
 * Every event has a trace: its cause's, or else that of the story it happens in, or a new one. What is
 * appended is counted.
 */
export class TracedEventStore extends PostgresEventStore {
  constructor(
    options: PostgresEventStoreOptions,
    private readonly metrics: LogMetrics,
    private readonly tell?: Tell,
  ) {
    const { context } = options;
    super({ ...options, onFlush: (appends) => metrics.flushed(context, appends) });
    metrics.begin(context);
  }

  override async append(append: Append): Promise<Appended> {
    const beganMs = performance.now();
    const one = traced(append);
    const appended = await this.counted(
      append.events.length === 0
        ? super.append(one)
        : inSpan(`append ${kindOf(append)}`, factsOf(one), () => super.append(one)),
    );
    this.noted(one, appended, beganMs);
    return appended;
  }

  override async appendTogether(appends: readonly Append[]): Promise<readonly Appended[]> {
    const beganMs = performance.now();
    const all = appends.map(traced);
    const appended = await this.counted(super.appendTogether(all));
    for (const [at, one] of appended.entries()) {
      const append = all[at];
      if (append) this.noted(append, one, beganMs);
    }
    return appended;
  }

  private noted(append: Append, appended: Appended, beganMs: number): void {
    this.metrics.appended(this.context, append, appended, beganMs);
    if (this.tell) tellAppended(this.tell, append, appended);
  }

  private async counted<Result>(appending: Promise<Result>): Promise<Result> {
    try {
      return await appending;
    } catch (fault) {
      this.metrics.failed(this.context, fault);
      throw fault;
    }
  }
}

/** `workflow-0198…` is a stream of the kind `workflow`: a name with an id in it would be one for each. */
const kindOf = ({ stream }: Append): string => /^[a-z]+/.exec(stream)?.[0] ?? 'stream';

const factsOf = ({ stream, events, meta: { traceparent } }: Append): SpanFacts => ({
  traceparent,
  attributes: {
    'downbeat.step': 'append',
    'downbeat.stream': stream,
    'downbeat.event.types': events.map(({ type }) => type).join(','),
  },
});

function traced(append: Append): Append {
  if (append.meta.traceparent !== undefined) return append;
  const traceparent = currentStory()?.traceparent ?? newTraceparent();
  return { ...append, meta: { ...append.meta, traceparent } };
}
