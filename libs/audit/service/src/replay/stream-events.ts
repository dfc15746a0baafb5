import type { AuditLog } from '@downbeat/event-store';
import type { Position, RecordedEvent, StreamName } from '@downbeat/eventsourcing';

const PAGE_EVENTS = 1_000;

/** A stream's events up to a position, oldest first; a page at a time is in memory. */
export async function* eventsOf(
  log: AuditLog,
  stream: StreamName,
  untilPosition?: Position,
): AsyncGenerator<RecordedEvent> {
  let after: Position = 0;
  for (;;) {
    const page = await log.list({
      stream,
      after_position: after,
      until_position: untilPosition,
      limit: PAGE_EVENTS,
    });
    yield* page.events;
    const last = page.events.at(-1);
    if (!last || page.next_cursor === undefined) return;
    after = last.position;
  }
}

/** The same, the events of one append together: an append is one decision. */
export async function* appendsOf(
  events: AsyncIterable<RecordedEvent>,
): AsyncGenerator<readonly RecordedEvent[]> {
  let append: RecordedEvent[] = [];
  for await (const event of events) {
    const [first] = append;
    if (first && first.commit_no !== event.commit_no) {
      yield append;
      append = [];
    }
    append.push(event);
  }
  if (append.length > 0) yield append;
}
