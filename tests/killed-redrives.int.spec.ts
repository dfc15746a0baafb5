import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresDeadLetters } from '@downbeat/dead-letters';
import {
  deadLetter,
  done,
  NatsMessageBus,
  type Delivery,
  type Settlement,
} from '@downbeat/message-bus';
import { ContextPool } from '@downbeat/service-host';
import { TestBench } from '@downbeat/test-bench';
import { AppProcess } from '@downbeat/test-bench/app-process';

jest.setTimeout(240_000);

const LETTERS = 120;
const AGGREGATES = 40;
const OPERATION = 'redrive-after-fix';
const HANDLED = done({ accepted: true, position: 1, answer: {}, repeated: false });

interface Operation {
  readonly operation: {
    readonly status: string;
    readonly accepted: number;
    readonly remaining: number;
    readonly handled: number;
    readonly failed_again: number;
  };
}

/** The program as it is deployed, two of it, and a receiver in this process, which counts. */
describe('a bulk redrive whose processes are killed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'downbeat-redrives-'));
  let bench: TestBench;
  let bus: NatsMessageBus;
  let pool: ContextPool;
  let replicas: readonly AppProcess[];
  /** What the receiver got of redriven copies. */
  const copies: Delivery[] = [];
  /** What it did because of a message: an inbox by the message's own id, as every context has. */
  const effects = new Map<string, number>();
  let handle: (delivery: Delivery) => Settlement | Promise<Settlement> = () => deadLetter('a bug');

  beforeAll(async () => {
    bench = await TestBench.start({ services: [] });
    pool = new ContextPool(bench.database.urlOf('registry'), 'registry');
    const { natsUrl: url, prefix } = bench;
    // What it holds comes again only when it stands still for so long: each copy is counted.
    bus = await NatsMessageBus.connect({ url, prefix, name: 'receiver', ackWaitMs: 30_000 });
    await bus.subscribe({
      durable: 'registry-commands',
      subject: 'command.registry.>',
      deadLetters: new PostgresDeadLetters(pool.pool),
      handle: (delivery) => Promise.resolve(handle(delivery)),
    });
    replicas = ['one', 'two'].map(
      (name) =>
        new AppProcess({
          name,
          program: join(__dirname, '..', 'apps', 'orchestrator', 'dist', 'main.js'),
          environment: { ...bench.settings, HOST: '127.0.0.1' },
          logFile: join(directory, `${name}.log`),
        }),
    );
    await Promise.all(replicas.map((one) => one.start()));
  });
  afterAll(async () => {
    await Promise.all((replicas ?? []).map((one) => one.stop()));
    await bus?.close();
    await pool?.close();
    await bench?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const progress = () =>
    bench.answer<Operation>('query.messaging.get-dead-letter-operation', {
      operation_id: OPERATION,
    });
  /**
   * In the middle of a slice: right when this many copies have arrived. From then on nothing is handled until the
   * slice was asked again, so that what is sent a second time is there.
   */
  const KILLED_AT = [10, 55, 100];
  let killed: Promise<unknown> = Promise.resolve();
  let open: () => void = () => undefined;
  let gate: Promise<void> = Promise.resolve();
  const kill = () => {
    gate = new Promise((resolve) => (open = resolve));
    killed = Promise.all(replicas.map((one) => one.gone()));
    for (const one of replicas) one.signal('SIGKILL');
  };
  const slices = async () =>
    (await bench.events(`dead-letter-operation-${OPERATION}`)).filter(
      ({ type }) => type === 'DeadLettersAnswered',
    ).length;

  it('loses none and repeats none', async () => {
    const names = Array.from({ length: LETTERS }, (_, n) => `m-${String(n).padStart(3, '0')}`);
    for (const name of names) {
      // Three of each aggregate, so that there is an order to be kept.
      const aggregate = `a-${Number(name.slice(2)) % AGGREGATES}`;
      const options = { id: name, timeoutMs: 30_000 };
      await bench.command(`command.registry.RegisterService.${aggregate}`, { name }, options);
    }
    handle = async (delivery) => {
      copies.push(delivery);
      if (KILLED_AT.includes(copies.length)) kill();
      await gate;
      effects.set(delivery.id, (effects.get(delivery.id) ?? 0) + 1);
      return HANDLED;
    };
    const preview = await bench.answer<{ count: number; ticket: string }>(
      'query.messaging.preview-dead-letter-operation',
      { action: 'redrive', filter: { consumer: 'registry-commands' } },
    );
    expect(preview.count).toBe(LETTERS);
    await bench.accepted(`command.messaging.StartDeadLetterOperation.${OPERATION}`, {
      ...{ action: 'redrive', filter: { consumer: 'registry-commands' }, reason: 'fixed' },
      ...{ ticket: preview.ticket, expected_count: LETTERS, rate_per_second: 200 },
    });
    for (const reached of KILLED_AT) {
      await bench.eventually(
        () => copies.length,
        (count) => count >= reached,
        60_000,
      );
      await killed;
      const before = await slices();
      await Promise.all(replicas.map((one) => one.start()));
      // Whoever receives slowly sees the end when the last slice was answered before.
      await bench.eventually(
        async () => (await slices()) > before || (await progress()).operation.remaining === 0,
        (isOver) => isOver,
        60_000,
      );
      open();
    }
    const { operation } = await bench.eventually(
      progress,
      ({ operation: { status, handled } }) => status === 'completed' && handled === LETTERS,
      120_000,
    );
    expect(operation).toMatchObject({
      ...{ accepted: LETTERS, remaining: 0, handled: LETTERS, failed_again: 0 },
    });
    // None lost, none twice: by the copies' own ids, and by what was done because of them.
    const ids = copies.map(({ headers }) => headers['Nats-Msg-Id'] ?? '');
    expect(new Set(ids).size).toBe(LETTERS);
    expect(ids).toHaveLength(LETTERS);
    expect([...effects.keys()].sort()).toEqual(names);
    expect([...effects.values()].every((times) => times === 1)).toBe(true);
    // In the order in which they had been sent first.
    for (const subject of new Set(copies.map((copy) => copy.subject))) {
      const received = copies.filter((copy) => copy.subject === subject).map(({ id }) => id);
      expect(received).toEqual([...received].sort());
    }
    const letters = await bench.deadLetters();
    expect(letters.every(({ status }) => status === 'redriven')).toBe(true);
  });
});
