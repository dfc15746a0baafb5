import { PostgresEventStore, type Append, type Appended } from '@downbeat/event-store';
import { currentStory, newTraceparent } from '@downbeat/message-bus';

/** Every event has a trace: its cause's, or else that of the story it happens in, or a new one. */
export class TracedEventStore extends PostgresEventStore {
  override append(append: Append): Promise<Appended> {
    return super.append(traced(append));
  }

  override appendTogether(appends: readonly Append[]): Promise<readonly Appended[]> {
    return super.appendTogether(appends.map(traced));
  }
}

function traced(append: Append): Append {
  if (append.meta.traceparent !== undefined) return append;
  const traceparent = currentStory()?.traceparent ?? newTraceparent();
  return { ...append, meta: { ...append.meta, traceparent } };
}
