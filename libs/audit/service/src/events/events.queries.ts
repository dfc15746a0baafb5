import { auditContract, type InputOf } from '@downbeat/contracts';
import { AuditLog, InvalidCursor, type EventFilter, type EventPage } from '@downbeat/event-store';
import { Rejection, type JsonObject, type RecordedEvent } from '@downbeat/eventsourcing';
import { Answers, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import { invalid } from '../refusals';
import { readPosition } from './read-position';

/** An answer has to fit into one message of the bus. */
const PAGE_BYTES_MAX = 600_000;

const VALUE_LENGTH_MAX = 1_024;

/** An event that is too large for any message shows what is small in it; the log has it whole. */
function thatFits(event: RecordedEvent): RecordedEvent {
  if (Buffer.byteLength(JSON.stringify(event)) <= PAGE_BYTES_MAX) return event;
  const data = Object.entries(event.data as JsonObject).map(([key, value]) => {
    const { length } = JSON.stringify(value);
    return [key, length > VALUE_LENGTH_MAX ? { omitted_characters: length } : value];
  });
  return { ...event, data: Object.fromEntries(data) as unknown };
}

/** Answers "what happened", every context's events in the order of the log. */
@Controller()
export class EventsQueries {
  constructor(private readonly log: AuditLog) {}

  @Answers(auditContract.listEvents)
  async list({ input, as }: Question<InputOf<typeof auditContract.listEvents>>) {
    const position = await readPosition(this.log, as);
    if (position instanceof Rejection) return position;
    const until_position =
      as.at === undefined
        ? input.until_position
        : Math.min(input.until_position ?? position, position);
    try {
      const { events, next_cursor } = await this.fittingPage({
        ...input,
        ...(until_position !== undefined && { until_position }),
      });
      return { position, data: { events: events.map(thatFits) as never, next_cursor } };
    } catch (fault) {
      if (!(fault instanceof InvalidCursor)) throw fault;
      return invalid('cursor', 'does not belong to this list');
    }
  }

  /** As many events as are asked for and fit. */
  private async fittingPage(filter: EventFilter): Promise<EventPage> {
    const page = await this.log.list(filter);
    let bytes = 0;
    const fitting = page.events.findIndex((event) => {
      bytes += Buffer.byteLength(JSON.stringify(event));
      return bytes > PAGE_BYTES_MAX;
    });
    return fitting < 0 ? page : this.log.list({ ...filter, limit: Math.max(1, fitting) });
  }
}
