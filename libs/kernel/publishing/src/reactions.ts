import type { EventStore } from '@downbeat/event-store';
import { Fault } from '@downbeat/eventsourcing';
import type { IncomingEvent, MessageBus, QueryOutcome } from '@downbeat/message-bus';
import type { Publication } from './publication';
import { publicationsSubject } from './publication';
import type { PublicationLog } from './publication-log';
import { ForeignEvent, publicationOf } from './publication-message';
import { Subscriber, type FetchPublications, type Reactor } from './subscriber';

const FETCHED_MAX = 500;
const FETCH_TIMEOUT_MS = 5_000;
/** NATS takes 1 MiB; the rest of the answer needs a little of it. */
const ANSWER_BYTES_MAX = 900_000;

/** The publishing context could not be asked for what the bus lost. */
export class PublicationsUnavailable extends Fault {
  override readonly name = 'PublicationsUnavailable';
  readonly code = 'publishing/publications-unavailable';
  readonly remedy = 'retry';
}

/** Answers other contexts that ask for publications the bus lost. */
export function servePublications(
  bus: MessageBus,
  context: string,
  log: Pick<PublicationLog, 'after' | 'head'>,
): void {
  bus.answer(publicationsSubject(context), async (payload): Promise<QueryOutcome> => {
    const { after, limit } = (payload ?? {}) as { after?: unknown; limit?: unknown };
    if (!isWhole(after, 0) || !isWhole(limit, 1)) {
      const message = 'after and limit must be whole numbers, limit at least 1';
      return { ok: false, problem: { code: 'invalid-input', message, kind: 'invalid' } };
    }
    const found = await log.after(after, Math.min(limit, FETCHED_MAX));
    const { position } = await log.head();
    return { ok: true, position, data: { publications: withinLength(found) } };
  });
}

const isWhole = (value: unknown, min: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= min;

/** As many from the front as fit into one message of the bus, at least one. */
function withinLength(publications: readonly Publication[]): readonly Publication[] {
  let bytes = 0;
  const end = publications.findIndex((publication, index) => {
    bytes += Buffer.byteLength(JSON.stringify(publication));
    return index > 0 && bytes > ANSWER_BYTES_MAX;
  });
  return end < 0 ? publications : publications.slice(0, end);
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

export interface ReactionPorts {
  /** Told of messages that no relay put there. They are passed over: the numbers show that nothing is missing without them. */
  readonly onForeign: (fault: ForeignEvent) => void;
  /** Told why so many publications could not be applied at once; they are applied in smaller parts. */
  readonly onHalved: (fault: unknown, publications: number) => void;
}

/** Lets `reactor` see what its source publishes, from the beginning, each publication once and in order. */
export async function react(
  bus: MessageBus,
  reactor: Reactor,
  store: EventStore,
  { onForeign, onHalved }: ReactionPorts,
): Promise<Subscriber> {
  const subscriber = new Subscriber(reactor, store, fetchOver(bus), onHalved);
  await bus.consumeEvents({
    source: reactor.source,
    durable: reactor.consumer,
    handle: async ({ events, streamIsNew }) => {
      await subscriber.receive(
        events.flatMap((event) => ownOnly(event, reactor.source, onForeign)),
      );
      // A younger stream may lack what the lost one held and nobody had read yet.
      if (streamIsNew) await subscriber.catchUp();
    },
  });
  return subscriber;
}

function ownOnly(
  event: IncomingEvent,
  source: string,
  onForeign: (fault: ForeignEvent) => void,
): readonly Publication[] {
  try {
    const publication = publicationOf(event);
    if (publication.source === source) return [publication];
    throw new ForeignEvent(`${event.subject} is not of ${source}`);
  } catch (fault) {
    if (!(fault instanceof ForeignEvent)) throw fault;
    onForeign(fault);
    return [];
  }
}
