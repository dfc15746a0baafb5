import type { EventMeta, Message, StreamName } from '@downbeat/eventsourcing';
import type { Append, EventStore } from '../event-store';
import type { Leases } from '../leases/leases';
import { uuidV7 } from '../append/uuid-v7';

/** What the behaviour suite needs of an implementation: one log, seen by several contexts. */
export interface StoreUnderTest {
  /** The store of `registry` or `health`, each time another instance on the same log. */
  store(context: 'registry' | 'health'): EventStore;
  leases(context: 'registry' | 'health'): Leases;
  stop(): Promise<void>;
}

export const meta: EventMeta = { correlation_id: 'c-1', causation_id: 'm-1', actor: 'tests' };

/** A stream nobody used before. */
export const freshStream = (kind = 'service'): StreamName => `${kind}-${uuidV7()}` as StreamName;

export const happened = (n: number): Message => ({ type: 'Happened', data: { n } });

export const appendOf = (
  stream: StreamName,
  expected: number,
  numbers: readonly number[] = [expected + 1],
  more: Partial<Append> = {},
): Append => ({ stream, expected, events: numbers.map(happened), meta, ...more });

export const command = (answer = 1, id = uuidV7()) => ({ command: { id, answer: { answer } } });
