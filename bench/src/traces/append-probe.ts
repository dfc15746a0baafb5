import { setTimeout as pause } from 'node:timers/promises';
import { contextUrl, PostgresEventStore } from '@downbeat/event-store';
import type { EventMeta, StreamName } from '@downbeat/eventsourcing';

const EVERY_MS = 10;
const meta: EventMeta = { correlation_id: 'bench', causation_id: 'bench', actor: 'bench' };

/** It publishes nothing: a relay would wait for ever at an event that it does not know. */
const CONTEXT = 'messaging';

/** Appends for another context at a steady rate, to see what others notice of the spans. */
export class AppendProbe {
  private readonly store: PostgresEventStore;
  private stopped = true;
  private appends: Promise<unknown>[] = [];
  private latenciesMs: number[] = [];
  private loop: Promise<void> = Promise.resolve();
  private count = 0;

  constructor(databaseUrl: string, password: string) {
    this.store = new PostgresEventStore({
      databaseUrl: contextUrl(databaseUrl, CONTEXT, password),
      logName: 'log',
      context: CONTEXT,
      report: (fault) => console.error(fault),
    });
  }

  start(): void {
    this.stopped = false;
    [this.appends, this.latenciesMs] = [[], []];
    this.loop = this.run();
  }

  /** @returns How long each append took, in ms. */
  async stop(): Promise<readonly number[]> {
    this.stopped = true;
    await this.loop;
    await Promise.all(this.appends);
    return this.latenciesMs;
  }

  async close(): Promise<void> {
    this.stopped = true;
    await this.loop;
    await Promise.allSettled(this.appends);
    await this.store.close();
  }

  private async run(): Promise<void> {
    for (; !this.stopped; await pause(EVERY_MS)) this.appends.push(this.append());
  }

  private async append(): Promise<void> {
    const beganMs = performance.now();
    await this.store.append({
      ...{ stream: `bench-${process.pid}-${this.count++}` as StreamName, expected: 0, meta },
      events: [{ type: 'Benched', data: { at: '2026-03-01T09:30:00.000Z' } }],
    });
    this.latenciesMs.push(performance.now() - beganMs);
  }
}
