import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '@downbeat/local-servers';
import { MessageBench } from '../support/message-bench';
import { OpenNats } from '../support/open-nats';
import { expectCounters } from '../support/queue-counters';
import { QueueLoad } from '../support/queue-load';
import { DRILL_MS_MAX, roundsOf, say } from './settings';

/** `--rounds 2` is 20,000. */
const COUNT = roundsOf(10) * 10_000;

describe(`the view of a queue with ${COUNT} messages`, () => {
  let bench: MessageBench;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'downbeat-drill-queues-'));
    const postgres = await startPostgres({ dataDir: folder });
    process.env['DOWNBEAT_TEST_DATABASE_URL'] = postgres.url;
    bench = await MessageBench.start(await OpenNats.start());
    stop = async () => {
      await bench.stop();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    };
  }, 120_000);
  afterAll(() => stop?.(), 60_000);

  it(
    'counts what was sent, consumed and given up on, each once, also when it is built anew',
    async () => {
      const began = performance.now();
      const cpu = process.cpuUsage();
      const load = new QueueLoad(bench, 'counted', COUNT);
      await load.run();
      say(`${COUNT} messages were sent and settled by two services after ${since(began)} s`);
      await expectCounters(bench, 'counted', load, 600_000);
      const { events, bytes } = await bench.logged();
      say(`the log has ${events} events of it, ${Math.round(bytes / COUNT)} bytes a message`);
      const { user, system } = process.cpuUsage(cpu);
      say(`the view agrees, also rebuilt, after ${since(began)} s`);
      say(`CPU of sender, consumers and suite together: ${(user + system) / COUNT} µs a message`);
    },
    DRILL_MS_MAX,
  );
});

const since = (began: number): string => ((performance.now() - began) / 1_000).toFixed(1);
