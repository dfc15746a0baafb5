import type { EventStore } from '@downbeat/event-store';
import { Fault } from '@downbeat/eventsourcing';
import type { MessageBus, QueryOutcome } from '@downbeat/message-bus';
import type { Publication } from './publication';
import { publicationsSubject } from './publication';
import type { PublicationLog } from './publication-log';
import { publicationOf } from './publication-message';
import type { Receipts } from './receipts';
import { Subscriber, type FetchPublications, type Reactor } from './subscriber';

const FETCHED_MAX = 500;
const FETCH_TIMEOUT_MS = 5_000;

/** The publishing context could not be asked for what the bus lost. */
export class PublicationsUnavailable extends Fault {
  override readonly name = 'PublicationsUnavailable';
  readonly code = 'publishing/publications-unavailable';
  readonly remedy = 'retry';
}

/** Answers other contexts that ask for publications the bus lost. */
export function servePublications(bus: MessageBus, context: string, log: PublicationLog): void {
  bus.answer(publicationsSubject(context), async (payload): Promise<QueryOutcome> => {
    const { after, limit } = payload as { after?: unknown; limit?: unknown };
    if (!Number.isSafeInteger(after) || !Number.isSafeInteger(limit)) {
      const message = 'after and limit must be whole numbers';
      return { ok: false, problem: { code: 'invalid-input', message, kind: 'invalid' } };
    }
    const publications = await log.after(Number(after), Math.min(Number(limit), FETCHED_MAX));
    const { position } = await log.head();
    return { ok: true, position, data: { publications } };
  });
}

export const fetchOver =
  (bus: MessageBus): FetchPublications =>
  async (source, after, limit) => {
    const outcome = await bus.query(
      publicationsSubject(source),
      { after, limit },
      { timeoutMs: FETCH_TIMEOUT_MS },
    );
    if (!outcome.ok) throw new PublicationsUnavailable(outcome.problem.message);
    return (outcome.data as { publications: readonly Publication[] }).publications;
  };

/** Lets `reactor` see what its source publishes, from the beginning, each publication once and in order. */
export async function react(
  bus: MessageBus,
  reactor: Reactor,
  store: EventStore,
  receipts: Receipts,
): Promise<Subscriber> {
  const subscriber = new Subscriber(reactor, store, receipts, fetchOver(bus));
  await bus.consumeEvents({
    source: reactor.source,
    durable: reactor.consumer,
    handle: async ({ events, streamIsNew }) => {
      await subscriber.receive(events.map(publicationOf));
      // A younger stream may lack what the lost one held and nobody had read yet.
      if (streamIsNew) await subscriber.catchUp();
    },
  });
  return subscriber;
}
