import { headers, NatsError, type JetStreamManager, type NatsConnection } from 'nats';
import { silentLog } from '../bus-log';
import { BusMetrics } from '../bus-metrics';
import { Subjects } from '../subjects';
import { Streams } from './streams';

const NOT_FOUND = 10_059;
const fault = (err_code: number, description: string): NatsError =>
  Object.assign(new NatsError(description, '500'), {
    api_error: { code: 500, err_code, description },
  });

/** A server with one work queue, whose first life has lost its files and holds messages in memory. */
class Server {
  life = 1;
  exists = true;
  held = ['retry.a.1', 'retry.a.2'];
  readonly asked: string[] = [];
  /** What happens when somebody else has a turn, in this order. */
  readonly others: (() => void)[] = [];

  readonly nats = {
    publish: (subject: string) => void this.held.push(subject),
    flush: () => Promise.resolve(this.others.shift()?.()),
  } as unknown as NatsConnection;

  readonly manager = {
    streams: {
      info: async () => {
        if (!this.exists) throw fault(NOT_FOUND, 'stream not found');
        return { created: `life ${this.life}`, config: this.config };
      },
      add: async (config: object) => {
        this.asked.push('add');
        this.config = config;
        return this.begin();
      },
      update: async (_: string, config: object) => {
        this.config = config;
        return { created: `life ${this.life}`, config };
      },
      delete: async () => {
        this.asked.push('delete');
        this.exists = false;
      },
      getMessage: async (_: string, { seq }: { seq: number }) => {
        const subject = this.held[seq - 1];
        if (subject === undefined) throw fault(10_037, 'no message found');
        return { seq, subject, header: headers(), data: Buffer.from('{}') };
      },
    },
    consumers: {
      add: async () => {
        if (this.life === 1) throw fault(10_012, 'open meta.inf: no such file or directory');
      },
    },
  } as unknown as JetStreamManager;
  private config = {};

  /** Another replica took the new stream for the broken one, and made its own. */
  begin() {
    this.life++;
    this.exists = true;
    this.held = [];
    return { created: `life ${this.life}`, config: this.config };
  }
}

describe('a stream whose files are gone', () => {
  let server: Server;
  let streams: Streams;
  let metrics: BusMetrics;
  beforeEach(() => {
    server = new Server();
    metrics = new BusMetrics();
    const bounds = { commandBytesMax: 1, retryBytesMax: 1, eventBytesMax: 1, eventAgeMaxMs: 1 };
    streams = new Streams(
      server.nats,
      server.manager,
      new Subjects(''),
      { ...bounds, messageBytesMax: 1, messageAgeMaxMs: 1 },
      metrics,
      silentLog,
    );
  });

  it('is made anew once, however many ask for it at a time', async () => {
    const found = await Promise.all([1, 2, 3].map(() => streams.ensureStoring(streams.retries())));
    expect(found.map(({ created }) => created)).toEqual(['life 2', 'life 2', 'life 2']);
    expect(server.asked).toEqual(['delete', 'add']);
    expect(server.held).toEqual(['retry.a.1', 'retry.a.2']);
  });

  it('has what it held, also when another replica made it anew at the same time', async () => {
    server.others.push(() => server.begin());
    const { created } = await streams.ensureStoring(streams.retries());
    expect([created, server.held]).toEqual(['life 3', ['retry.a.1', 'retry.a.2']]);
    expect(metrics.streamsRemade).toBe(1);
  });
});
