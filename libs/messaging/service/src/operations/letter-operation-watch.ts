import { EventStore } from '@downbeat/event-store';
import type { CommandOutcome } from '@downbeat/message-bus';
import { instantOf } from '@downbeat/eventsourcing';
import { ReadModels } from '@downbeat/projections';
import { Clock, ContextPool, Periodic } from '@downbeat/service-host';
import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { LetterHandling } from '../dead-letters/letter-handling';
import { Quarantine } from '../dead-letters/quarantine';
import { deadLetters } from '../projections/letters/letters.projection';
import { LetterOperationRunner, type Asked } from './letter-operation-runner';

const READ_EVERY_MS = 1_000;

/** Has one replica work on operations on letters, and tells it which there are. */
@Injectable()
export class LetterOperationWatch {
  private readonly logger = new Logger(LetterOperationWatch.name);
  private readonly periodic = new Periodic(
    'reading operations on dead letters',
    READ_EVERY_MS,
    () => this.read(),
  );
  private runner: LetterOperationRunner | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    private readonly handling: LetterHandling,
    private readonly quarantine: Quarantine,
    private readonly pool: ContextPool,
    private readonly clock: Clock,
  ) {}

  begin(): void {
    const { store, clock } = this;
    this.runner = new LetterOperationRunner({
      store,
      now: () => clock.now(),
      ask: (asked) => this.ask(asked),
      ordersOf: (ids) => this.ordersOf(ids),
      failuresOf: (operationId) => this.failuresOf(operationId),
      pause: (ms, signal) =>
        sleep(ms, undefined, { signal, ref: false }).catch((fault: unknown) => {
          if (!signal.aborted) throw fault;
        }),
      onFault: (operation_id, fault) =>
        this.logger.warn({ err: fault, operation_id }, 'an operation on dead letters has to wait'),
    });
    this.periodic.start({ atOnce: true });
  }

  async end(): Promise<void> {
    await this.periodic.stop();
    await this.runner?.stop();
    this.runner = undefined;
  }

  private ask({ request, dead_letter_id, cause }: Asked): Promise<CommandOutcome> {
    const { operation_id, reason, include_unresolved } = request;
    const data = { dead_letter_id, operation_id, reason };
    const at = instantOf(this.clock.now());
    switch (request.action) {
      case 'redrive':
        return this.handling.redrive(data, at, cause);
      case 'discard':
        return this.handling.discard(data, at, cause);
      case 'purge':
        return this.handling.purge({ ...data, include_unresolved }, at, cause);
    }
  }

  private async ordersOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.pool.query<{ id: string; line: string }>(
      `select id::text as id, consumer || ' ' || subject as line from ${this.quarantine.table}
        where id = any($1::uuid[])`,
      [ids],
    );
    return new Map(rows.map(({ id, line }) => [id, line]));
  }

  private async failuresOf(operationId: string): Promise<number> {
    const { data } = await this.readModels.ask(deadLetters, {}, (manager) =>
      manager.query<{ failed_again: string }[]>(
        'select failed_again from dead_letter_operation where operation_id = $1',
        [operationId],
      ),
    );
    return Number(data[0]?.failed_again ?? 0);
  }

  private async read(): Promise<void> {
    const { data } = await this.readModels.ask(deadLetters, {}, (manager) =>
      manager.query<{ operation_id: string }[]>(
        `select operation_id from dead_letter_operation where status = 'running'
          order by started_position`,
      ),
    );
    this.runner?.know(data.map(({ operation_id }) => operation_id));
  }
}
