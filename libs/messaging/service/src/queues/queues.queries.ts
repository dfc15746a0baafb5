import { messagingContract, parseUntrustedJson, type InputOf } from '@downbeat/contracts';
import { EventStore } from '@downbeat/event-store';
import { Rejection, type Json } from '@downbeat/eventsourcing';
import { MessageBus, type MessageProgress } from '@downbeat/message-bus';
import { unknownQueue } from '@downbeat/messaging-domain';
import { ReadModels, type ReadAs } from '@downbeat/projections';
import { Answers, Clock, cursorOf, pageOf, type Question } from '@downbeat/service-host';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { messageLines, queueMetrics, shownMessage, type ShownMessage } from './message-list';
import { QueueGauge } from './queue-gauge';
import { listedQueues } from './queue-list';
import { measuredQueues } from './queue-measurements';
import { suiteStreams } from './suite-streams';
import type { DelayedRow } from './view/delayed.table';
import { queues } from './view/queues.projection';

const { listQueues, listQueueMessages, getQueueMessage, listDelayedMessages, queueMeasurements } =
  messagingContract;
type MessagesInput = InputOf<typeof listQueueMessages>;

const PAYLOAD_BYTES_MAX = 262_144;
const LINES_MAX = 200;
const utf8 = new TextDecoder();

/** Answers what is in queues, who sends and consumes, and what became of each message. */
@Controller()
export class QueuesQueries {
  constructor(
    private readonly readModels: ReadModels,
    private readonly store: EventStore,
    private readonly bus: MessageBus,
    private readonly gauge: QueueGauge,
    private readonly clock: Clock,
  ) {}

  @Answers(listQueues)
  async list({ input, as }: Question<InputOf<typeof listQueues>>) {
    if (input.kind === 'suite') {
      if (as.at !== undefined) return noPast();
      const figures = await this.bus.serviceMessages.figures();
      return { position: await this.store.head(), data: suiteStreams(figures, input) };
    }
    const progress = await this.progress(as);
    return this.readModels.ask(queues, as, (manager) =>
      listedQueues(manager, input, this.now(as), progress),
    );
  }

  @Answers(listQueueMessages)
  async messages({ input, as }: Question<MessagesInput>) {
    const progress = await this.progress(as);
    const { position, data } = await this.readModels.ask(queues, as, async (manager) => {
      if (!(await isKnown(manager, input.queue_name))) return unknownQueue(input.queue_name);
      const queue_metrics = await queueMetrics(manager, input.queue_name, progress, this.now(as));
      if (input.status === 'delayed')
        return { ...(await delayedLines(manager, input)), queue_metrics };
      const page = await messageLines(manager, input, progress);
      const messages = page.rows.map(shownMessage);
      return { messages, queue_metrics, next_cursor: page.nextCursor };
    });
    return data instanceof Rejection ? data : { position, data };
  }

  @Answers(getQueueMessage)
  async message({ input, as }: Question<InputOf<typeof getQueueMessage>>) {
    const progress = await this.progress(as);
    const { position, data: rows } = await this.readModels.ask(queues, as, async (manager) => {
      const page = await messageLines(manager, { ...input, limit: LINES_MAX }, progress);
      return page.rows;
    });
    const [first] = rows;
    if (!first) return unknownMessage(input.queue_name, input.message_id);
    const place = { streamCreated: first.stream_created, sequence: Number(first.sequence) };
    const stored = await this.bus.serviceMessages.read(place);
    return { position, data: { messages: rows.map(shownMessage), ...payloadOf(stored?.body) } };
  }

  @Answers(listDelayedMessages)
  async delayed({ input, as }: Question<InputOf<typeof listDelayedMessages>>) {
    return this.readModels.ask(queues, as, async (manager) => {
      const page = await delayedPage(manager, input);
      return {
        messages: page.rows.map(({ from_service: from, place: _, due_at, delayed_at, ...one }) => ({
          ...one,
          from,
          due_at: new Date(due_at).toISOString(),
          delayed_at: new Date(delayed_at).toISOString(),
        })),
        next_cursor: page.nextCursor,
      };
    });
  }

  @Answers(queueMeasurements)
  async measurements({ input, as }: Question<InputOf<typeof queueMeasurements>>) {
    const progress = await this.gauge.progress();
    return this.readModels.ask(queues, as, (manager) =>
      measuredQueues(manager, input.queue_name, this.now(as), progress),
    );
  }

  /** The server knows the present only. */
  private progress(as: ReadAs): Promise<MessageProgress | undefined> {
    return as.at === undefined ? this.gauge.progress() : Promise.resolve(undefined);
  }

  private now({ at }: ReadAs): Date {
    return typeof at === 'string' ? new Date(at) : new Date(this.clock.now());
  }
}

async function isKnown(manager: EntityManager, name: string): Promise<boolean> {
  const found = await manager.query<object[]>(
    `select from queue where queue_name = $1 union all
     select from queue_consumer where queue_name = $1 union all
     (select from queue_message where queue_name = $1 limit 1) union all
     (select from queue_delayed where queue_name = $1 limit 1) limit 1`,
    [name],
  );
  return found.length > 0;
}

type DelayedInput = Pick<MessagesInput, 'limit' | 'cursor'> & {
  readonly queue_name?: string | undefined;
};

async function delayedPage(manager: EntityManager, input: DelayedInput) {
  const rows = await manager.query<DelayedRow[]>(
    `select * from queue_delayed
      where ($1::text is null or queue_name = $1) and ($2::text is null or place > $2 collate "C")
      order by place collate "C" limit $3`,
    [input.queue_name ?? null, cursorOf(input.cursor), input.limit + 1],
  );
  return pageOf(rows, input.limit, ({ place }) => place);
}

async function delayedLines(manager: EntityManager, input: MessagesInput) {
  const page = await delayedPage(manager, input);
  const messages = page.rows.map((row): ShownMessage => ({
    id: row.delayed_id,
    message_id: row.message_id,
    producer_service: row.from_service,
    message_type: row.message_type,
    ...{ priority: 'normal', message_size_bytes: 0, status: 'delayed', retry_count: 0 },
    copies: 0,
    produced_at: new Date(row.delayed_at).toISOString(),
    due_at: new Date(row.due_at).toISOString(),
    headers: {},
  }));
  return { messages, next_cursor: page.nextCursor };
}

function payloadOf(body: Uint8Array | undefined): {
  readonly payload?: Json;
  readonly payload_state: 'kept' | 'gone' | 'not-json' | 'too-large';
} {
  if (!body) return { payload_state: 'gone' };
  if (body.length > PAYLOAD_BYTES_MAX) return { payload_state: 'too-large' };
  const json = parseUntrustedJson(utf8.decode(body));
  if (json instanceof Rejection) return { payload_state: 'not-json' };
  return { payload: json.value as Json, payload_state: 'kept' };
}

const unknownMessage = (queue: string, id: string): Rejection =>
  new Rejection('message-unknown', `${queue} has no message ${id}`, 'not-found');

function noPast(): Rejection {
  const message = 'cannot be asked of what only the server knows, which has no past';
  return new Rejection('invalid-input', `at ${message}`, 'invalid', [{ field: 'at', message }]);
}
