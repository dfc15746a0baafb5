import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workflowDefinition, type ServiceCallStep, type Step } from '@downbeat/contracts';
import { parse } from 'yaml';
import { participants } from './all-participants';
import { CallLog, callLogFile } from './call-log';
import { PARTICIPANT_NAMES } from './participant';
import { ParticipantServer } from './participant-server';
import type { RunStatus } from './suite';
import { weddingDemo } from './wedding-demo';

const yaml = readFileSync(join(__dirname, '..', 'book-wedding.yaml'), 'utf8');

/** Stands for the suite: runs the definition's calls one after the other and undoes them when one fails. */
class FakeSuite {
  readonly urls: Record<string, string> = {};
  /** The planted bug: which services are never asked to undo. */
  readonly forgets = new Set<string>();
  definition = '';
  private readonly runs = new Map<string, RunStatus>();
  private readonly server: Server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      void this.answer(`${request.method} ${request.url}`, text).then((body) =>
        response.writeHead(body === undefined ? 404 : 200).end(JSON.stringify(body ?? {})),
      );
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(call: string, text: string): Promise<unknown> {
    const service = /service_name=(\w+)$/.exec(call)?.[1];
    if (service !== undefined)
      return { instances: this.urls[service] === undefined ? [] : [{ url: this.urls[service] }] };
    if (call === 'POST /api/orchestration/workflow-definitions') {
      this.definition = text;
      return {};
    }
    if (call === 'POST /api/orchestration/workflows') return this.run(JSON.parse(text) as Start);
    const id = /workflows\/([^/]+)\/status$/.exec(call)?.[1];
    return id === undefined ? undefined : this.runs.get(id);
  }

  private async run(start: Start): Promise<unknown> {
    const { booking } = start.context_data;
    const done: ServiceCallStep[] = [];
    const steps: RunStatus['steps'][number][] = [];
    let failure: { step_name: string; error_message: string } | undefined;
    const make = async (
      step: Pick<ServiceCallStep, 'service_name' | 'endpoint' | 'input_mapping'>,
      key: string,
    ) =>
      (
        await fetch(`${this.urls[step.service_name]}${step.endpoint}`, {
          method: 'POST',
          headers: { 'idempotency-key': key },
          body: JSON.stringify(mapped(step.input_mapping, booking)),
        })
      ).status;
    for (const step of calls(workflowDefinition.parse(parse(this.definition)).steps)) {
      const status = await make(step, `${start.correlation_id}:${step.name}`);
      const step_name = step.name;
      const isDone = status < 400;
      steps.push({
        step_name,
        step_type: step.type,
        status: isDone ? 'completed' : 'failed',
        retry_count: 0,
      });
      if (!isDone) {
        failure = { step_name, error_message: `HTTP ${status}` };
        break;
      }
      done.push(step);
    }
    for (const { name, compensation_action: undo } of failure ? done.reverse() : [])
      if (undo && !this.forgets.has(undo.service_name))
        await make(undo, `${start.correlation_id}:${name}:undo`);
    this.runs.set(start.correlation_id, {
      workflow: {
        id: start.correlation_id,
        correlation_id: start.correlation_id,
        current_status: failure ? 'compensated' : 'completed',
        started_at: '2026-03-01T09:30:00.000Z',
        duration_ms: 12,
        ...(failure && { error_details: failure }),
      },
      steps,
      execution_timeline: [
        {
          timestamp: '2026-03-01T09:30:00.007Z',
          event: 'step_completed',
          step_name: 'hold-venue',
          details: {},
        },
      ],
    });
    return { workflow_id: start.correlation_id };
  }
}

interface Start {
  readonly correlation_id: string;
  readonly context_data: { readonly booking: Readonly<Record<string, unknown>> };
}

const mapped = (
  mapping: Readonly<Record<string, string>>,
  booking: Start['context_data']['booking'],
) =>
  Object.fromEntries(
    Object.entries(mapping).map(([field, source]) => [
      field,
      source.startsWith("='") ? source.slice(2, -1) : booking[source.replace('booking.', '')],
    ]),
  );

const calls = (steps: readonly Step[]): readonly ServiceCallStep[] =>
  steps.flatMap((step) => {
    if (step.type === 'parallel') return step.branches.flatMap((branch) => calls(branch.steps));
    return step.type === 'service_call' ? [step] : [];
  });

describe('the demo', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'wedding-demo-'));
  const servers: ParticipantServer[] = [];
  const suite = new FakeSuite();
  let gatewayUrl: string;

  beforeAll(async () => {
    gatewayUrl = await suite.listen();
    for (const name of PARTICIPANT_NAMES) {
      const server = new ParticipantServer(
        participants[name],
        CallLog.open(callLogFile(dataDir, name)),
      );
      suite.urls[name] = `http://127.0.0.1:${await server.listen(0, '127.0.0.1')}`;
      servers.push(server);
    }
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
    await suite.close();
    rmSync(dataDir, { recursive: true });
  });

  const run = async (waitMs = 5_000) => {
    const printed: string[] = [];
    const isFine = await weddingDemo({
      gatewayUrl,
      definition: yaml,
      print: (text) => printed.push(text),
      waitMs,
      pollMs: 5,
    });
    return { isFine, text: printed.join('\n') };
  };

  it('books one wedding, undoes the other, and can be run again', async () => {
    for (let round = 1; round <= 2; round++) {
      const { isFine, text } = await run();
      expect(isFine).toBe(true);
      expect(text).toMatch(/wedding-\w+-paid {2}completed after 12 ms/);
      expect(text).toMatch(
        /wedding-\w+-refused {2}compensated after 12 ms\n {2}because capture-deposit: HTTP 402/,
      );
      expect(text).toMatch(/venue +\/holds\/release +200 +applied: released/);
      expect(text).toMatch(
        /double bookings 0\ncaptured without a venue 0\nholds leaked 0\neffects repeated 0$/,
      );
    }
  });

  it('undoes in reverse order, as the services saw it', async () => {
    const { text } = await run();
    const undos = text
      .split('\n')
      .flatMap((line) => /(\/\w+\/(?:release|cancel)) /.exec(line)?.[1] ?? []);
    expect(undos).toEqual(['/bookings/cancel', '/orders/cancel', '/holds/release']);
  });

  it('tells when a hold leaks', async () => {
    suite.forgets.add('venue');
    const { isFine, text } = await run();
    suite.forgets.clear();
    expect(isFine).toBe(false);
    expect(text).toContain('holds leaked 1');
    expect(text).toMatch(/violated: garden-hall on \S+ is still held for wedding-\w+-refused/);
  });

  it('gives up on services that never become healthy', async () => {
    const { payment } = suite.urls;
    delete suite.urls['payment'];
    await expect(run(50)).rejects.toThrow(
      'a healthy instance of payment was not seen within 50 ms',
    );
    if (payment !== undefined) suite.urls['payment'] = payment;
  });
});
