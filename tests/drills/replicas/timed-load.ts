import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '@downbeat/test-bench';
import type { Booking } from '../../support/bookings';
import type { Suite } from '../../support/suite';

const EVERY_MS = 1_000;
const SERVICE = 'clocked';

const call = (name: string, more: object = {}) => ({
  ...{
    name,
    type: 'service_call',
    service_name: SERVICE,
    endpoint: `/${name}`,
    timeout_seconds: 2,
  },
  retry_policy: { max_retries: 8, initial_delay_ms: 1_500, backoff_multiplier: 1, jitter: 0 },
  compensation_action: { service_name: SERVICE, endpoint: '/undo' },
  ...more,
});

/** Every kind of timer a run can have: delays, retries, time-outs of calls, of signals, of the run. */
export const TIMED_DEFINITIONS = [
  {
    name: 'timed',
    steps: [
      { name: 'rest', type: 'delay', delay_seconds: 3 },
      call('busy-once'),
      call('silent-once'),
      {
        ...{ name: 'word', type: 'wait_for_signal', signal: 'word' },
        ...{ timeout_seconds: 4, default: {} },
      },
      call('last'),
    ],
  },
  {
    name: 'impatient',
    timeout_minutes: 0.1,
    steps: [
      call('first', { retry_policy: { max_retries: 1, initial_delay_ms: 500 } }),
      { name: 'never', type: 'wait_for_signal', signal: 'never' },
    ],
  },
];

/** A call that its service leaves without an answer. */
export const isSilent = (endpoint: string, attempt: number): boolean =>
  endpoint === '/silent-once' && attempt === 1;

/** Runs that mostly wait, for timers that must survive whoever set them; one of each kind a second. */
export class TimedLoad {
  readonly runs: Booking[] = [];
  private isOver = false;
  private running: Promise<void> = Promise.resolve();

  private constructor(
    private readonly suite: Suite,
    private readonly server: Server,
  ) {}

  static async start(suite: Suite): Promise<TimedLoad> {
    const server = createServer((request, response) => {
      const attempt = Number(request.headers['downbeat-attempt']);
      if (isSilent(request.url ?? '', attempt)) return;
      response.statusCode = attempt === 1 && request.url === '/busy-once' ? 503 : 200;
      response.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const load = new TimedLoad(suite, server);
    await load.register().catch(async (fault: unknown) => {
      await load.close();
      throw fault;
    });
    load.running = load.run();
    return load;
  }

  /** Starts no more; the service goes on. */
  async stop(): Promise<readonly Booking[]> {
    this.isOver = true;
    await this.running;
    return this.runs;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async register(): Promise<void> {
    const { port } = this.server.address() as AddressInfo;
    await this.post('/services', {
      ...{ service_name: SERVICE, service_version: '1.0.0', service_type: 'api' },
      ...{ deployment_environment: 'development', dependencies: [] },
      base_url: `http://127.0.0.1:${port}`,
    });
    for (const definition of TIMED_DEFINITIONS)
      await this.post('/workflow-definitions', definition);
  }

  private async run(): Promise<void> {
    for (let turn = 0; !this.isOver; turn++) {
      await Promise.all(
        TIMED_DEFINITIONS.map(async ({ name }) => {
          const booking_id = `${name}-${turn}`;
          const request = {
            ...{ workflow_name: name, correlation_id: booking_id },
            ...{ initiating_service: 'drill', context_data: {} },
          };
          const { workflow_id } = await this.post('/workflows', request);
          this.runs.push({ booking_id, workflow_id: String(workflow_id) });
        }),
      );
      await pause(EVERY_MS);
    }
  }

  /** Asks until there is an outcome. */
  private async post(path: string, body: object): Promise<Record<string, unknown>> {
    const answer = await eventually(
      () => this.suite.request('POST', path, body),
      ({ status, body: said }) => {
        if (status !== 202) throw new Error(`${path}: ${status} ${JSON.stringify(said)}`);
      },
      60_000,
    );
    return answer.body;
  }
}
