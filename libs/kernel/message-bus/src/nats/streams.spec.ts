import { headers, NatsError, type JetStreamManager, type MsgHdrs, type NatsConnection } from 'nats';
import { silentLog } from '../bus-log';
import { BusMetrics } from '../bus-metrics';
import { HEADER } from '../headers';
import { Subjects } from '../subjects';
import { Streams } from './streams';

const NOT_FOUND = 10_059;
const fault = (err_code: number, description: string): NatsError =>
  Object.assign(new NatsError(description, '500'), {
    api_error: { code: 500, err_code, description },
  });

interface Stored {
  readonly subject: string;
  readonly header: MsgHdrs;
  readonly time: Date;
}

/** A server with one work queue, whose first life has lost its files and holds messages in memory. */
class Server {
  life = 1;
  exists = true;
  readonly asked: string[] = [];
  updated = 0;
  /** What happens when somebody else has a turn, in this order. */
  readonly others: (() => void)[] = [];
  /** When all that the queue holds was read. */
  readonly onRead: (() => void)[] = [];
  private stored: Stored[] = [];

  constructor() {
    this.publish('retry.a.1');
    this.publish('retry.a.2');
  }

  get held(): readonly string[] {
    return this.stored.map(({ subject }) => subject);
  }

  publish(subject: string, header = headers()): void {
    // As long after its stream was made as it is in order.
    const time = new Date(timeOf(this.life) + 1 + this.stored.length);
    this.stored.push({ subject, header, time });
  }

  readonly nats = {
    publish: (subject: string, _: unknown, { headers: header }: { headers: MsgHdrs }) =>
      this.publish(subject, header),
    flush: () => Promise.resolve(this.others.shift()?.()),
  } as unknown as NatsConnection;

  readonly manager = {
    streams: {
      info: async () => {
        if (!this.exists) throw fault(NOT_FOUND, 'stream not found');
        return { created: createdOf(this.life), config: this.config };
      },
      add: async (config: object) => {
        this.asked.push('add');
        this.config = config;
        return this.begin();
      },
      update: async (_: string, config: object) => {
        this.updated++;
        this.config = config;
        return { created: createdOf(this.life), config };
      },
      delete: async () => {
        this.asked.push('delete');
        this.exists = false;
      },
      getMessage: async (_: string, { seq }: { seq: number }) => {
        const found = this.stored[seq - 1];
        if (found) return { ...found, seq, data: Buffer.from('{}') };
        this.onRead.shift()?.();
        throw fault(10_037, 'no message found');
      },
    },
    consumers: {
      add: async () => {
        if (this.life === 1) throw fault(10_012, 'open meta.inf: no such file or directory');
      },
    },
  } as unknown as JetStreamManager;
  config = {};

  /** Another replica took the new stream for the broken one, and made its own. */
  begin() {
    this.life++;
    this.exists = true;
    this.stored = [];
    return { created: createdOf(this.life), config: this.config };
  }
}

const timeOf = (life: number): number => Date.UTC(2026, 2, life);
const createdOf = (life: number): string => new Date(timeOf(life)).toISOString();

const BOUNDS = {
  commandBytesMax: 1,
  retryBytesMax: 1,
  eventBytesMax: 1,
  eventAgeMaxMs: 1,
  messageBytesMax: 1,
  messageAgeMaxMs: 1,
};

describe('a stream whose files are gone', () => {
  let server: Server;
  let streams: Streams;
  let metrics: BusMetrics;
  const replica = (ofMetrics = new BusMetrics()): Streams =>
    new Streams(server.nats, server.manager, new Subjects(''), BOUNDS, ofMetrics, silentLog);
  beforeEach(() => {
    server = new Server();
    metrics = new BusMetrics();
    streams = replica(metrics);
  });

  it('is made anew once, however many ask for it at a time', async () => {
    const found = await Promise.all([1, 2, 3].map(() => streams.ensureStoring(streams.retries())));
    expect(found.map(({ created }) => created)).toEqual([2, 2, 2].map(createdOf));
    expect(server.asked).toEqual(['delete', 'add']);
    expect(server.held).toEqual(['retry.a.1', 'retry.a.2']);
  });

  it('has what it held, also when another replica made it anew at the same time', async () => {
    server.others.push(() => server.begin());
    const { created } = await streams.ensureStoring(streams.retries());
    expect([created, server.held]).toEqual([createdOf(3), ['retry.a.1', 'retry.a.2']]);
    expect(metrics.streamsRemade).toBe(1);
  });

  it('is deleted by one of two replicas that find it so at the same moment', async () => {
    const chance = jest.spyOn(Math, 'random').mockReturnValueOnce(0).mockReturnValueOnce(0.5);
    const both = [streams, replica()].map((one) => one.ensureStoring(one.retries()));
    const found = await Promise.all(both);
    chance.mockRestore();
    expect(server.asked).toEqual(['delete', 'add']);
    expect(found.map(({ created }) => created)).toEqual([2, 2].map(createdOf));
    expect(server.held).toEqual(['retry.a.1', 'retry.a.2']);
  });

  it('gets what it held of one replica when the other, that made it anew, has crashed', async () => {
    server.onRead.push(() => {
      server.begin();
      // Of the new life: it was sent there, and is no message of the old one.
      server.publish('retry.a.3');
    });
    await streams.ensureStoring(streams.retries());
    expect(server.asked).toEqual([]);
    expect(server.held).toEqual(['retry.a.3', 'retry.a.1', 'retry.a.2']);
    expect(metrics.streamsRemade).toBe(0);
  });

  it('does not get again what the other replica put back', async () => {
    server.onRead.push(() => {
      server.begin();
      const again = (id: string): MsgHdrs => {
        const header = headers();
        header.set(HEADER.originalId, id);
        return header;
      };
      server.publish('retry.a.1', again(`${createdOf(1)}:1`));
    });
    await streams.ensureStoring(streams.retries());
    expect(server.held).toEqual(['retry.a.1', 'retry.a.2']);
  });

  it('has what came while its replicas waited for one another', async () => {
    server.onRead.push(() => server.publish('retry.a.3'));
    await streams.ensureStoring(streams.retries());
    expect(server.held).toEqual(['retry.a.1', 'retry.a.2', 'retry.a.3']);
  });

  it('is not changed by a guest, though it makes it anew', async () => {
    server.others.push(() => {
      server.begin();
      server.config = { max_age: 7 };
    });
    const guest = { durable: 'saga', filter: 'x', ackWaitMs: 1_000, isGuest: true };
    const spec = streams.eventsOf('registry');
    await streams.ensureWithConsumer(spec, guest, () => undefined);
    expect([server.life, server.asked, server.updated]).toEqual([3, ['delete', 'add'], 0]);
  });
});
