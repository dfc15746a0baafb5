import {
  PostgresEventStore,
  type Append,
  type Appended,
  type PostgresEventStoreOptions,
} from '@downbeat/event-store';
import { currentStory, newTraceparent } from '@downbeat/message-bus';
import type { Tell } from '../debugging/debug-logs';
import { tellAppended } from '../debugging/told';

/** Every event has a trace: its cause's, or else that of the story it happens in, or a new one. */
export class TracedEventStore extends PostgresEventStore {
  constructor(
    options: PostgresEventStoreOptions,
    private readonly tell?: Tell,
  ) {
    super(options);
  }

  override async append(append: Append): Promise<Appended> {
    const appended = await super.append(traced(append));
    if (this.tell) tellAppended(this.tell, append, appended);
    return appended;
  }

  override async appendTogether(appends: readonly Append[]): Promise<readonly Appended[]> {
    const appended = await super.appendTogether(appends.map(traced));
    const { tell } = this;
    if (tell)
      for (const [at, one] of appended.entries()) {
        const append = appends[at];
        if (append) tellAppended(tell, append, one);
      }
    return appended;
  }
}

function traced(append: Append): Append {
  if (append.meta.traceparent !== undefined) return append;
  const traceparent = currentStory()?.traceparent ?? newTraceparent();
  return { ...append, meta: { ...append.meta, traceparent } };
}
