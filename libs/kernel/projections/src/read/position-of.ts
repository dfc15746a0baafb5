import type { EventStore } from '@downbeat/event-store';
import { epochMs, type Instant, type Position } from '@downbeat/eventsourcing';
import { InvalidReadPosition, ReadPositionAhead } from '../errors';

/**
 * The position that a moment means.
 *
 * @throws {ReadPositionAhead} @throws {InvalidReadPosition}
 */
export async function positionOf(
  store: Pick<EventStore, 'head' | 'positionAt'>,
  at: Position | Instant,
): Promise<Position> {
  if (typeof at === 'number') {
    if (!Number.isSafeInteger(at) || at < 0) throw new InvalidReadPosition(at);
    const head = await store.head();
    if (at > head) throw new ReadPositionAhead(at, head);
    return at;
  }
  const time = epochMs(at);
  if (Number.isNaN(time)) throw new InvalidReadPosition(at);
  if (time > Date.now()) throw new ReadPositionAhead(at, await store.head());
  return store.positionAt(at);
}
