import { epochMs, Rejection, type Instant } from '@downbeat/eventsourcing';
import { ReadModels, type Read, type ReadAs } from '@downbeat/projections';
import { Clock } from '@downbeat/service-host';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { BreakerDefaultsRow } from './breaker-defaults.table';
import type { BreakerHourRow } from './breaker-hour.table';
import type { BreakerRow } from './breaker.table';
import { breakers } from './breakers.projection';

const ROWS_MAX = 10_000;

/** What is to be read of breakers, and the moment it is read for, in milliseconds since 1970. */
export class BreakerReading {
  constructor(
    private readonly manager: EntityManager,
    readonly momentMs: number,
  ) {}

  /** By names; at most 10,000. */
  rows(service: string | null, target: string | null): Promise<readonly BreakerRow[]> {
    return this.manager.query(
      `select * from circuit_breaker
       where ($1::text is null or service_name = $1) and ($2::text is null or target_service = $2)
       order by service_name, target_service, endpoint_pattern limit ${ROWS_MAX}`,
      [service, target],
    );
  }

  /** Those that decide about calls of a service: its own, and those of every service. */
  async rowsFor(service: string): Promise<readonly BreakerRow[]> {
    return this.manager.query(
      `select * from circuit_breaker where service_name in ($1, '*') order by breaker_id limit ${ROWS_MAX}`,
      [service],
    );
  }

  async row(id: string): Promise<BreakerRow | undefined> {
    const rows: BreakerRow[] = await this.manager.query(
      'select * from circuit_breaker where breaker_id = $1',
      [id],
    );
    return rows[0];
  }

  /** In no order. */
  hours(id: string): Promise<readonly BreakerHourRow[]> {
    return this.manager.query('select * from circuit_breaker_hour where breaker_id = $1', [id]);
  }

  async defaults(): Promise<BreakerDefaultsRow | undefined> {
    const rows: BreakerDefaultsRow[] = await this.manager.query(
      'select * from circuit_breaker_defaults',
    );
    return rows[0];
  }
}

/** Reads the read model of breakers, now or as it was: what passes with time is measured at that moment. */
@Injectable()
export class BreakerRows {
  constructor(
    private readonly readModels: ReadModels,
    private readonly clock: Clock,
  ) {}

  async ask<Answer>(
    as: ReadAs,
    ask: (reading: BreakerReading) => Promise<Answer>,
  ): Promise<Read<Answer>> {
    return this.readModels.ask(breakers, as, async (manager) =>
      ask(new BreakerReading(manager, await this.momentOf(as, manager))),
    );
  }

  /** The same of one breaker that has to be there. */
  async askOf<Answer>(
    id: string,
    as: ReadAs,
    ask: (row: BreakerRow, reading: BreakerReading) => Promise<Answer>,
  ): Promise<Read<Answer> | Rejection> {
    const { position, data } = await this.ask(as, async (reading) => {
      const row = await reading.row(id);
      return row && { answer: await ask(row, reading) };
    });
    return data ? { position, data: data.answer } : unknownBreaker(id);
  }

  /** A position has no time of its own: then it is that of the newest event about breakers. */
  private async momentOf({ at }: ReadAs, manager: EntityManager): Promise<number> {
    if (typeof at === 'string') return epochMs(at);
    if (at === undefined) return this.clock.now();
    const [newest]: { at: Instant | null }[] = await manager.query(
      'select max(changed_at) as at from circuit_breaker',
    );
    return newest?.at ? new Date(newest.at).getTime() : this.clock.now();
  }
}

export const unknownBreaker = (id: string): Rejection =>
  new Rejection('breaker-unknown', `there is no breaker ${id}`, 'not-found');
