import type { EventTransport, StreamState } from '../event-transport';
import type { Publication } from '../publication';
import type { Numbered, Sent } from '../publication-log';
import type { Confirmed } from '../receipts';
import { Receipts } from '../receipts';
import type { RelayedLog, RelayLock } from '../relay';

export const publicationOf = (number: number): Publication => ({
  number,
  source: 'registry',
  name: 'InstanceRegistered',
  version: 1,
  id: `i-${number}`,
  position: number * 10,
  event_id: `event-${number}`,
  recorded_at: '2026-03-01T09:30:00.000Z',
  data: { n: number },
  meta: { correlation_id: 'c', causation_id: 'm', actor: 'tests' },
});

/** Publications whose numbering and note outlive the relays that come and go. */
export class FakePublications implements RelayedLog {
  readonly numbered: Publication[] = [];
  note: Sent = { number: 0, stream: undefined };
  waiting = 0;

  append(count: number): void {
    this.waiting += count;
  }

  async number(): Promise<Numbered> {
    for (; this.waiting > 0; this.waiting--)
      this.numbered.push(publicationOf(this.numbered.length + 1));
    return { newest: this.numbered.length, hasMore: false };
  }

  async after(number: number, limit: number) {
    return this.numbered.slice(number, number + limit);
  }

  async sent() {
    return this.note;
  }

  async noteSent(sent: Sent): Promise<void> {
    this.note = sent;
  }

  async head() {
    return { number: this.numbered.length, position: this.numbered.length * 10 };
  }

  /** Everything is old enough to be confirmed, and nothing too old to be kept. */
  async olderThan(ageMs: number): Promise<number> {
    return ageMs > 3_600_000 ? 0 : this.numbered.length;
  }
}

/** A stream with a duplicate window that never ends. */
export class FakeTransport implements EventTransport {
  numbers: number[] = [];
  calls = 0;
  last: readonly number[] = [];
  private ids = new Set<string>();
  private created = 1;
  private isThere = true;
  /** Called before each publish; throws to refuse it. */
  before: () => Promise<void> | void = () => undefined;
  reconnected: () => void = () => undefined;

  lose(): void {
    this.numbers = [];
    this.ids = new Set();
    this.isThere = false;
  }

  /** An older copy of the stream, with the same birthday. */
  regressTo(length: number): void {
    this.numbers = this.numbers.slice(0, length);
    this.ids = new Set();
  }

  async ensureStream(): Promise<StreamState> {
    if (!this.isThere) this.created++;
    this.isThere = true;
    return { created: String(this.created), lastSequence: this.numbers.length };
  }

  async publish(publications: readonly Publication[], repeat: number): Promise<number> {
    this.calls++;
    this.last = publications.map(({ number }) => number);
    await this.before();
    if (!this.isThere) throw new Error('the stream is missing');
    for (const { number } of publications) {
      const id = `${number}:${repeat}`;
      if (!this.ids.has(id)) this.numbers.push(number);
      this.ids.add(id);
    }
    return this.numbers.length;
  }

  onReconnected(listener: () => void): () => void {
    this.reconnected = listener;
    return () => undefined;
  }
}

export class FakeReceipts extends Receipts {
  confirmed: readonly Confirmed[] = [];

  async confirmedOf(): Promise<readonly Confirmed[]> {
    return this.confirmed;
  }
}

export class FakeLock implements RelayLock {
  terms = 0;
  isFree = true;
  private isHeld = false;
  released = 0;
  asked = 0;

  async acquire(): Promise<boolean> {
    this.asked++;
    if (!this.isHeld && this.isFree) {
      this.isHeld = true;
      this.terms++;
    }
    return this.isHeld;
  }

  lose({ isFree }: { readonly isFree: boolean }): void {
    this.isHeld = false;
    this.isFree = isFree;
  }

  async release(): Promise<void> {
    this.isHeld = false;
    this.released++;
  }
}
