import { randomUUID } from 'node:crypto';
import { PostgresDeadLetters } from '@downbeat/dead-letters';
import { LogDatabase } from '@downbeat/event-store/testing';
import {
  deadLetter,
  done,
  NatsMessageBus,
  type Delivery,
  type Settlement,
} from '@downbeat/message-bus';
import { removeStreams } from '@downbeat/message-bus/testing';
import { ContextPool } from '@downbeat/service-host';

export const CONSUMER = 'registry-commands';

export const HANDLED = done({ accepted: true, position: 1, answer: {}, repeated: false });

/** A database and a prefix of one test file's own, and a registry whose handling the test decides. */
export class QuarantineBench {
  /** What the registry's subscription saw, first copies and redriven ones. */
  readonly seen: Delivery[] = [];
  /** What the registry does with the next deliveries. */
  handle: (delivery: Delivery) => Settlement | Promise<Settlement> = () =>
    deadLetter('port must be at most 65535');

  private constructor(
    readonly database: LogDatabase,
    readonly natsUrl: string,
    readonly prefix: string,
    readonly bus: NatsMessageBus,
    private readonly registry: ContextPool,
  ) {}

  /** @throws {Error} A server is not configured: a missing server fails the run. */
  static async open(purpose: string): Promise<QuarantineBench> {
    const natsUrl = process.env['DOWNBEAT_TEST_NATS_URL'];
    if (natsUrl === undefined) throw new Error('DOWNBEAT_TEST_NATS_URL is not set');
    const database = await LogDatabase.create(purpose);
    const prefix = `t${randomUUID().slice(0, 8)}`;
    const bus = await NatsMessageBus.connect({
      url: natsUrl,
      prefix,
      name: 'bench',
      backOff: { firstMs: 5, maxMs: 20 },
    });
    const registry = new ContextPool(database.urlOf('registry'), 'registry');
    const bench = new QuarantineBench(database, natsUrl, prefix, bus, registry);
    await bus.subscribe({
      durable: CONSUMER,
      subject: 'command.registry.>',
      deadLetters: new PostgresDeadLetters(registry.pool),
      handle: (delivery) => {
        bench.seen.push(delivery);
        return Promise.resolve(bench.handle(delivery));
      },
    });
    return bench;
  }

  /** From now on the registry accepts everything. */
  fix(): void {
    this.handle = () => HANDLED;
  }

  /** Sends a command that the registry gives up on. @returns The id of its dead letter. */
  async poison(name: string, body: object = { port: 70_000 }): Promise<string> {
    const outcome = await this.bus.command(
      `command.registry.RegisterService.${name}`,
      body as Record<string, never>,
      { id: `m-${name}`, correlationId: `k-${name}`, actor: 'ann' },
    );
    if (outcome.accepted) throw new Error('the registry accepted the poison');
    const [row] = await this.rows('message_id', `m-${name}`);
    if (!row) throw new Error('the poison was not quarantined');
    return row.id;
  }

  async letter(id: string): Promise<LetterFacts> {
    const [row] = await this.rows('id', id);
    if (!row) throw new Error(`no letter ${id}`);
    return row;
  }

  /** How often the registry has seen a message, redriven copies included. */
  deliveriesOf(name: string): number {
    return this.seen.filter(({ id }) => id === `m-${name}`).length;
  }

  /** Lets time pass for one letter. */
  async age(id: string, seconds: number): Promise<void> {
    await this.database.asOwner((owner) =>
      owner.query(
        `update log.dead_letter set changed_at = changed_at - make_interval(secs => $2) where id = $1`,
        [id, seconds],
      ),
    );
  }

  async close(): Promise<void> {
    await this.bus.close();
    await this.registry.close();
    await this.database.drop();
    await removeStreams(this.natsUrl, this.prefix);
  }

  private rows(column: 'id' | 'message_id', value: string): Promise<readonly LetterFacts[]> {
    return this.database.as('messaging', async (client) => {
      const { rows } = await client.query<LetterFacts>(
        `select id, status, redrives, attempts, resolution from log.dead_letter
          where ${column}::text = $1`,
        [value],
      );
      return rows;
    });
  }
}

export interface LetterFacts {
  readonly id: string;
  readonly status: string;
  readonly redrives: number;
  readonly attempts: number;
  readonly resolution: string | null;
}
