import { setTimeout as pause } from 'node:timers/promises';
import { PostgresEventStore } from '@downbeat/event-store';
import { LogDatabase } from '@downbeat/event-store/testing';
import type { EventMeta, StreamName } from '@downbeat/eventsourcing';
import { Pool as HttpPool } from 'undici';
import type { ParticipantProcess } from '../suite/participant';

const PAUSE_MS = 1;

const meta: EventMeta = { correlation_id: 'bench', causation_id: 'bench', actor: 'bench' };

/**
 * What a run costs at least: the same two calls, one after the other, with a commit before, between
 * and after them. No rules, no ownership, no bus.
 */
export class ThreeCommits {
  private done = 0;

  private constructor(
    private readonly database: LogDatabase,
    private readonly store: PostgresEventStore,
    private readonly http: HttpPool,
  ) {}

  static async open(participant: ParticipantProcess): Promise<ThreeCommits> {
    const database = await LogDatabase.create('three_commits');
    return new ThreeCommits(
      database,
      database.store('saga'),
      new HttpPool(participant.url, { connections: 1 }),
    );
  }

  /** @returns How long each took, in ms, one after the other. */
  async durations(forMs: number): Promise<readonly number[]> {
    const durations: number[] = [];
    for (const began = performance.now(); performance.now() - began < forMs;) {
      const start = performance.now();
      await this.once(`three-commits-${process.pid}-${++this.done}`);
      durations.push(performance.now() - start);
      await pause(PAUSE_MS);
    }
    return durations;
  }

  async close(): Promise<void> {
    await this.http.close();
    await this.database.drop();
  }

  private async once(id: string): Promise<void> {
    await this.commit(id, 0);
    await this.call(`${id}:reserve`, '/reservations');
    await this.commit(id, 1);
    await this.call(`${id}:pay`, '/payments');
    await this.commit(id, 2);
  }

  private async commit(id: string, expected: number): Promise<void> {
    const events = [{ type: 'Happened', data: { id, note: 'x'.repeat(200) } }];
    await this.store.append({ stream: `bare-${id}` as StreamName, expected, events, meta });
  }

  private async call(key: string, path: string): Promise<void> {
    const { body } = await this.http.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ order_id: key, sku: 'garden-chair-42', quantity: 6 }),
    });
    await body.text();
  }
}
