import type { EventStore } from '@downbeat/event-store';
import {
  eventually,
  LogDatabase,
  MemoryEventStore,
  MemoryLog,
} from '@downbeat/event-store/testing';
import type { Position } from '@downbeat/eventsourcing';
import type { EntityManager } from 'typeorm';
import type { ProjectionLog } from '../projector/projector-options';
import {
  startProjections,
  type ProjectionRunner,
  type ProjectionRunnerOptions,
} from '../projection-runner';
import type { Read, ReadAs } from '../read/read-models';
import { bookStream, lending, type Book, type LendingEvent } from './lending';

const meta = { correlation_id: 'c', causation_id: 'c', actor: 'test' };

/** Counts how often it is asked where the log ends; can lose every hint. */
class PolledStore extends MemoryEventStore {
  heads = 0;
  losesHints = false;

  override onAppended(listener: (position: Position) => void, context?: string): () => void {
    return super.onAppended((position) => {
      if (!this.losesHints) listener(position);
    }, context);
  }

  override head(): Promise<Position> {
    this.heads++;
    return super.head();
  }
}

/** One database, one log, and any number of replicas of the read model of books. */
export class LendingBench {
  readonly logged: { readonly level: string; readonly facts: object; readonly message: string }[] =
    [];
  private readonly runners = new Set<ProjectionRunner>();

  /** The log's clock, in epoch milliseconds. */
  now = Date.now;
  private log = new MemoryLog(() => this.now());
  store = new PolledStore(this.log, 'registry');
  private foreign: EventStore = new MemoryEventStore(this.log, 'health');

  private constructor(readonly database: LogDatabase) {}

  static async start(purpose: string): Promise<LendingBench> {
    return new LendingBench(await LogDatabase.create(purpose));
  }

  get head(): Position {
    return this.log.head;
  }

  /** Empties log and schema, so that the next test begins anew. */
  async reset(): Promise<void> {
    await this.stopRunners();
    this.logged.length = 0;
    this.now = Date.now;
    this.loseLog();
    const { username } = new URL(this.database.urlOf('registry'));
    await this.sql(`drop schema registry cascade; create schema registry;
      grant usage, create on schema registry to "${username}"`);
  }

  /** The tables stay, the log is empty. */
  loseLog(): void {
    this.log = new MemoryLog(() => this.now());
    this.store = new PolledStore(this.log, 'registry');
    this.foreign = new MemoryEventStore(this.log, 'health');
  }

  async run(options: Partial<ProjectionRunnerOptions> = {}): Promise<ProjectionRunner> {
    const runner = await startProjections({
      url: this.database.urlOf('registry'),
      schema: 'registry',
      store: this.store,
      projections: [lending],
      log: this.recordingLog(),
      waitMs: 15_000,
      ...options,
      pace: { pollMs: 30, restMs: 5, idleCheckpointMs: 100, recordPollMs: 500, ...options.pace },
    });
    this.runners.add(runner);
    return runner;
  }

  /** Each event to the stream of its book. @returns The position of the last one. */
  async append(...events: readonly LendingEvent[]): Promise<Position> {
    for (const event of events) {
      const stream = bookStream(event.data.book);
      const expected = (await this.store.load(stream)).length;
      await this.store.append({ stream, expected, events: [event], meta });
    }
    return this.log.head;
  }

  /** Another context's event. */
  async appendForeign(): Promise<Position> {
    const stream = bookStream(`foreign-${this.log.head}`);
    const events = [{ type: 'Foreign', data: {} }];
    return (await this.foreign.append({ stream, expected: 0, events, meta })).position;
  }

  books(runner: ProjectionRunner, as: ReadAs = {}): Promise<Read<readonly Book[]>> {
    return runner.readModels.ask(lending, as, booksOf);
  }

  /** Until the end of the log was asked for `times` more times. */
  async polls(times: number): Promise<void> {
    const until = this.store.heads + times;
    await eventually(() => {
      if (this.store.heads < until) throw new Error('the log is not polled');
    });
  }

  /** As a superuser, in the schema of the read model. */
  async sql<Row = Record<string, unknown>>(text: string): Promise<Row[]> {
    return this.database.asOwner(async (owner) => {
      await owner.query('set search_path = registry');
      return (await owner.query(text)).rows;
    });
  }

  /** How many connections wait for a lock; the server is shared, so only those of this database. */
  async lockWaiters(): Promise<number> {
    const waiting = await this.sql(`select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`);
    return waiting.length;
  }

  async stopRunners(): Promise<void> {
    await Promise.all([...this.runners].map((runner) => runner.stop()));
    this.runners.clear();
  }

  async stop(): Promise<void> {
    await this.stopRunners();
    await this.database.drop();
  }

  private recordingLog(): ProjectionLog {
    const at = (level: string) => (facts: object, message: string) =>
      void this.logged.push({ level, facts, message });
    return { info: at('info'), warn: at('warn'), error: at('error') };
  }
}

export const booksOf = async (manager: EntityManager): Promise<readonly Book[]> =>
  manager.getRepository<Book>('book').find({ order: { book: 'asc' } });
