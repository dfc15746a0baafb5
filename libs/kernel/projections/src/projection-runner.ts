import type { EventStore } from '@downbeat/event-store';
import type { Pool } from 'pg';
import type { DataSource } from 'typeorm';
import {
  openWritePool,
  READ_CONNECTIONS_MAX,
  readDataSource,
  type DatabaseOptions,
} from './database';
import { validateProjections, versionedTable } from './tables/definition';
import { InvalidProjection } from './errors';
import { reasonOf } from './rows/fold';
import { Limiter } from './replay/limiter';
import { LogHead } from './projector/log-head';
import { LogReader } from './projector/log-reader';
import { PostgresReadModels } from './read/postgres-read-models';
import { prepareProjections } from './versions/prepare';
import type { Projection } from './projection';
import type { ProjectionStatus } from './projector/projection-status';
import { Projector } from './projector/projector';
import {
  defaultPace,
  type ProjectionLog,
  type ProjectorOptions,
  type ProjectorPace,
} from './projector/projector-options';
import type { ReadModels } from './read/read-models';
import { retryParkedStreams, type ParkedRetry } from './projector/retry-parked';
import { TableSet } from './rows/table-set';
import { TimeTravel } from './replay/time-travel';
import { verifyProjection, type Verification } from './replay/verify';

export interface ProjectionRunnerOptions extends DatabaseOptions {
  readonly store: EventStore;
  readonly projections: readonly Projection[];
  readonly log: ProjectionLog;
  readonly pace?: Partial<ProjectorPace>;
  /** How long a question waits for `min_position`; default 5,000. */
  readonly waitMs?: number;
  readonly onApplied?: ProjectorOptions['onApplied'];
  readonly onCrashPoint?: ProjectorOptions['onCrashPoint'];
}

/** Rebuilds for time travel and verification in line, and how long one stands in line. */
const REBUILDS = { waitingMax: 16, waitMs: 10_000 };

/** Questions about a past that is kept. */
const LOOKS = { waitingMax: 64, waitMs: 10_000 };

/** Of rebuilds at once, and of looks at once; each has one connection, and the last third is the present's. */
const pastMax = ({ readConnectionsMax = READ_CONNECTIONS_MAX }: DatabaseOptions): number =>
  Math.max(1, Math.floor(readConnectionsMax / 3));

const STOP_TIMEOUT_MS = 8_000;

/**
 * All read models of one context in one process: their tables, their projectors, and the way to ask
 * them. Returns when the tables exist and the projectors run; building goes on behind it.
 *
 * @throws {InvalidProjection} @throws {ProjectionChanged}
 */
export async function startProjections(
  options: ProjectionRunnerOptions,
): Promise<ProjectionRunner> {
  validateProjections(options.projections);
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(options.schema))
    throw new InvalidProjection(options.schema, ['cannot be the name of a schema']);
  const onFault = (fault: unknown): void =>
    options.log.warn({ fault: reasonOf(fault) }, 'a connection of the read models was lost');
  const pool = openWritePool(options, options.projections.length, onFault);
  const source = readDataSource(options, options.projections, onFault);
  try {
    await prepareProjections(pool, options.projections);
    await source.initialize();
  } catch (fault) {
    await pool.end();
    throw fault;
  }
  return new ProjectionRunner(options, pool, source);
}

export class ProjectionRunner {
  /** Give this to whoever answers queries. */
  readonly readModels: ReadModels;
  private readonly projectors: ReadonlyMap<string, Projector>;
  private readonly head: LogHead;
  private readonly reader: LogReader;
  private readonly limiter: Limiter;
  private stopped: Promise<void> | undefined;

  constructor(
    private readonly options: ProjectionRunnerOptions,
    private readonly pool: Pool,
    private readonly source: DataSource,
  ) {
    const { store, projections, log, onApplied, onCrashPoint, waitMs } = options;
    const pace = { ...defaultPace, ...options.pace };
    const runningMax = pastMax(options);
    const limiter = new Limiter(runningMax, REBUILDS.waitingMax, REBUILDS.waitMs);
    this.limiter = limiter;
    const reader = (this.reader = new LogReader(store));
    const head = (this.head = new LogHead(store, pace.pollMs, (fault) =>
      log.warn({ fault: reasonOf(fault) }, 'the end of the log cannot be read'),
    ));
    const told = { ...(onApplied && { onApplied }), ...(onCrashPoint && { onCrashPoint }) };
    const shared = { pool, store, head, reader, log, pace, ...told };
    this.projectors = new Map(
      projections.map((projection) => [projection.name, new Projector(projection, shared)]),
    );
    this.readModels = new PostgresReadModels({
      source,
      projectors: this.projectors,
      timeTravel: new TimeTravel({
        source,
        store,
        reader,
        limiter,
        lookLimiter: new Limiter(runningMax, LOOKS.waitingMax, LOOKS.waitMs),
      }),
      ...(waitMs !== undefined && { waitMs }),
    });
    for (const projector of this.projectors.values()) projector.start();
    head.start();
  }

  /** Answers from memory, so it works while the database does not. */
  status(): readonly ProjectionStatus[] {
    return [...this.projectors.values()].map((projector) => projector.status());
  }

  /**
   * @param timeoutMs Default 600,000.
   * @throws {InvalidProjection} This process does not run it.
   * @throws {RebuildsOverloaded} It took too long, or too many rebuilds run.
   */
  verify(name: string, timeoutMs?: number): Promise<Verification> {
    const { source, reader, limiter } = this;
    const options = { source, reader, limiter, ...(timeoutMs !== undefined && { timeoutMs }) };
    return verifyProjection(this.projectorOf(name).projection, options);
  }

  /** @throws {InvalidProjection} This process does not run it. */
  async retryParked(name: string): Promise<ParkedRetry> {
    const projector = this.projectorOf(name);
    const { projection } = projector;
    const tables = new TableSet(projection, (shape) => versionedTable(shape, projection.version));
    const retried = await retryParkedStreams(projection, tables, this.pool, this.options.store);
    projector.refreshSoon();
    return retried;
  }

  /** Waits for the batches under way, at most 8 s, then closes the connections. */
  stop(): Promise<void> {
    this.stopped ??= this.stopInTime();
    return this.stopped;
  }

  private async stopInTime(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.options.log.warn({}, 'a batch of a read model did not end in time and is given up');
        resolve();
      }, STOP_TIMEOUT_MS);
    });
    await Promise.race([this.stopOnce(), late]);
    clearTimeout(timer);
  }

  private async stopOnce(): Promise<void> {
    await this.head.stop();
    await Promise.all([...this.projectors.values()].map((projector) => projector.stop()));
    await Promise.all([this.source.destroy(), this.pool.end()]);
  }

  private projectorOf(name: string): Projector {
    const projector = this.projectors.get(name);
    if (projector === undefined)
      throw new InvalidProjection(name, ['is not among those this process runs']);
    return projector;
  }
}
