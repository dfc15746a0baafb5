import { connect, headers, JSONCodec, type NatsConnection } from 'nats';
import { Pool as HttpPool } from 'undici';
import { startCommand } from './workflow';

const ENDS = ['WorkflowCompleted', 'WorkflowFailed', 'WorkflowCompensated'];
const CONNECTIONS_MAX = 64;
const ENDED_MS_MAX = 60_000;
const json = JSONCodec();

/** How runs are started: a command on NATS, or a request to the gateway. */
export type Entry = 'nats' | 'rest';

export interface EndedRun {
  readonly correlationId: string;
  readonly sentAtMs: number;
  /** When the integration event of its end arrived here. */
  readonly seenAtMs: number;
  readonly end: string;
}

interface UnderWay {
  readonly sentAtMs: number;
  readonly ended: (run: EndedRun) => void;
}

/**
 * A client of the suite outside of it: starts runs and hears of their ends over NATS. Times in ms of
 * this process's clock. A second end of a run, or one of a run that was not started here, is a fault.
 */
export class RunClient {
  private readonly underWay = new Map<string, UnderWay>();
  /** The log had grown up to here, and its sender knew it committed, at this time; in order. */
  private readonly heads: { position: number; atMs: number }[] = [];
  readonly violations: string[] = [];

  private constructor(
    readonly nats: NatsConnection,
    private readonly http: HttpPool,
  ) {
    for (const end of ENDS)
      nats.subscribe(`event.saga.${end}.>`, {
        callback: (_, message) => this.heard(end, message.subject.split('.').slice(3).join('.')),
      });
    nats.subscribe('hint.log.log', {
      callback: (_, message) => {
        const { position } = json.decode(message.data) as { position: number };
        const last = this.heads.at(-1)?.position ?? 0;
        if (position > last) this.heads.push({ position, atMs: performance.now() });
      },
    });
  }

  static async connect(natsUrl: string, gatewayUrl: string): Promise<RunClient> {
    const nats = await connect({ servers: natsUrl });
    return new RunClient(nats, new HttpPool(gatewayUrl, { connections: CONNECTIONS_MAX }));
  }

  async close(): Promise<void> {
    await Promise.all([this.nats.close(), this.http.close()]);
  }

  /** Starts a run. @returns When its end was heard. @throws {Error} It did not end within a minute. */
  async run(entry: Entry, workflow: string, correlationId: string): Promise<EndedRun> {
    let timer: NodeJS.Timeout | undefined;
    const ended = new Promise<EndedRun>((resolve, reject) => {
      this.underWay.set(correlationId, { sentAtMs: performance.now(), ended: resolve });
      timer = setTimeout(
        () => reject(new Error(`${correlationId} did not end within ${ENDED_MS_MAX} ms`)),
        ENDED_MS_MAX,
      );
    });
    try {
      if (entry === 'nats') this.publish(workflow, correlationId);
      else await this.post(workflow, correlationId);
      return await ended;
    } finally {
      clearTimeout(timer);
    }
  }

  /** When the log was first known to reach up to a position; undefined while it was not. */
  committedAtMs(position: number): number | undefined {
    let [low, high] = [0, this.heads.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.heads[middle]?.position ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    return this.heads[low]?.atMs;
  }

  /** Asks one of the suite's queries. */
  async ask<Data>(subject: string): Promise<Data> {
    const answer = await this.nats.request(subject, json.encode({}), { timeout: 10_000 });
    const outcome = json.decode(answer.data) as { ok: boolean; data: Data };
    if (!outcome.ok) throw new Error(`${subject}: ${answer.string()}`);
    return outcome.data;
  }

  private publish(workflow: string, correlationId: string): void {
    const header = headers();
    header.set('Nats-Msg-Id', correlationId);
    this.nats.publish(
      `command.saga.StartWorkflow.${correlationId}`,
      json.encode(startCommand(workflow, correlationId)),
      { headers: header },
    );
  }

  private async post(workflow: string, correlationId: string): Promise<void> {
    const { statusCode, body } = await this.http.request({
      method: 'POST',
      path: '/api/orchestration/workflows',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(startCommand(workflow, correlationId)),
    });
    const text = await body.text();
    if (statusCode !== 202) throw new Error(`a run was not accepted: ${statusCode} ${text}`);
  }

  private heard(end: string, correlationId: string): void {
    const run = this.underWay.get(correlationId);
    if (!run) {
      this.violations.push(`${correlationId} ended twice, or was never started: ${end}`);
      return;
    }
    this.underWay.delete(correlationId);
    const { sentAtMs, ended } = run;
    ended({ correlationId, sentAtMs, seenAtMs: performance.now(), end });
  }
}
