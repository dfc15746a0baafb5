import { RunClient } from './load/run-client';
import { registerWorkflow } from './load/workflow';
import type { Figure } from './report/figure';
import type { Profile } from './profile/profile';
import { BenchSuite } from './suite/bench-suite';
import { LogCounts } from './suite/log-counts';
import { ParticipantProcess } from './suite/participant';

export const WORKFLOW = 'bench-order';

/** What a part found out. */
export interface Findings {
  readonly figures: readonly Figure[];
  readonly profiles?: readonly Profile[];
}

export interface Part {
  readonly name: string;
  /** @throws {Error} The suite did something wrong, or did not answer in time. */
  readonly run: (context: BenchContext) => Promise<Findings>;
}

/** What parts share: servers, and on demand the suite under load with its client. */
export class BenchContext {
  private shared: Promise<LoadBench> | undefined;

  private constructor(
    readonly suite: BenchSuite,
    readonly counts: LogCounts,
  ) {}

  static async open(): Promise<BenchContext> {
    const suite = await BenchSuite.create();
    const counts = new LogCounts(suite.postgres.url);
    await counts.open();
    // Benchmarks of one library make databases of their own on the same server.
    process.env['DOWNBEAT_TEST_DATABASE_URL'] = suite.postgres.url;
    return new BenchContext(suite, counts);
  }

  /** The suite with its participant and a registered workflow; made when first asked for. */
  async loadBench(): Promise<LoadBench> {
    await this.suite.ensureApps();
    this.shared ??= startLoadBench(this.suite);
    return this.shared;
  }

  async close(): Promise<void> {
    const bench = await this.shared?.catch(() => undefined);
    await bench?.client.close();
    await bench?.participant.stop();
    await this.counts.close();
    await this.suite.close();
  }
}

export interface LoadBench {
  readonly client: RunClient;
  readonly participant: ParticipantProcess;
}

async function startLoadBench(suite: BenchSuite): Promise<LoadBench> {
  const participant = await ParticipantProcess.start(suite, ['bench-stock', 'bench-payment']);
  await registerWorkflow(suite, WORKFLOW, ['bench-stock', 'bench-payment']);
  const client = await RunClient.connect(suite.nats.url, suite.app('gateway').url);
  return { client, participant };
}
