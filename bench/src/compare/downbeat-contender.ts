import { setTimeout as pause } from 'node:timers/promises';
import { RunClient, type EndedRun, type Entry } from '../load/run-client';
import { settled } from '../load/settled';
import { registerWorkflow } from '../load/workflow';
import type { BenchSuite } from '../suite/bench-suite';
import type { LogCounts } from '../suite/log-counts';
import type { ParticipantProcess } from '../suite/participant';
import type { DurableContender, MeasuredProcess } from './contender';
import { postgresOf } from './process-contender';

const ASK_EVERY_MS = 5;
const TITLES: Readonly<Record<Entry, string>> = { nats: 'NATS', rest: 'REST' };
/** By the first of its two services; a name is registered once. */
const registered = new Set<string>();

/** The five apps as they are deployed, with runs started one of two ways. */
export class DownbeatContender implements DurableContender {
  readonly name: string;
  readonly isOnPostgres = true;
  private connected: RunClient | undefined;
  private workflow = '';
  private began = 0;
  private told: EndedRun[] = [];

  constructor(
    private readonly suite: BenchSuite,
    private readonly counts: LogCounts,
    private readonly entry: Entry,
  ) {
    this.name = `Downbeat by ${TITLES[entry]}`;
  }

  async open(target: ParticipantProcess): Promise<void> {
    await this.suite.startApps();
    const [first = '', second = ''] = target.services;
    this.workflow = `order-of-${first}`;
    if (!registered.has(first)) {
      registered.add(first);
      await target.registerWith(this.suite);
      await registerWorkflow(this.suite, this.workflow, [first, second]);
    }
    this.connected = await RunClient.connect(this.suite.nats.url, this.suite.app('gateway').url);
    await this.atRest();
    this.began = await this.counts.head();
  }

  async close(): Promise<void> {
    const { violations } = this.client;
    if (violations.length > 0) throw new Error(`${this.name}: ${violations.join('; ')}`);
    await this.client.close();
    await this.suite.stopApps();
  }

  async run(runId: string): Promise<void> {
    const run = await this.client.run(this.entry, this.workflow, runId);
    if (run.end !== 'WorkflowCompleted') throw new Error(`${runId} ended with ${run.end}`);
    this.told.push(run);
  }

  async start(runIds: readonly string[]): Promise<void> {
    const ids = new Set(runIds);
    // Whether they end is asked of the log.
    void Promise.allSettled(runIds.map((runId) => this.run(runId)));
    for (;;) {
      const begun = (await this.counts.startsAfter(this.began)).filter(({ correlation_id }) =>
        ids.has(correlation_id),
      );
      if (begun.length === ids.size) return;
      await pause(ASK_EVERY_MS);
    }
  }

  async atRest(): Promise<void> {
    await settled(this.client, await this.counts.head());
  }

  async ended(runIds: ReadonlySet<string>): Promise<number> {
    const ends = (await this.counts.endsAfter(this.began)).filter(({ correlation_id }) =>
      runIds.has(correlation_id),
    );
    return ends.filter(({ type }) => type === 'WorkflowCompleted').length;
  }

  async committedMs(): Promise<readonly number[]> {
    const ends = await this.counts.endsAfter(this.began);
    const positions = new Map(ends.map((end) => [end.correlation_id, end.position]));
    const told = this.told;
    this.told = [];
    return told.flatMap(({ correlationId, sentAtMs }) => {
      const atMs = this.client.committedAtMs(positions.get(correlationId) ?? 0);
      return atMs === undefined ? [] : [atMs - sentAtMs];
    });
  }

  processes(): readonly MeasuredProcess[] {
    const { suite, entry } = this;
    const app = (name: 'saga' | 'gateway' | 'registry' | 'health' | 'orchestrator') =>
      suite.app(name).pid;
    const beside = ['registry', 'health', 'orchestrator'] as const;
    return [
      { name: 'saga process', pid: app('saga'), role: 'part', isEngine: true },
      postgresOf(suite),
      { name: 'nats-server', pid: suite.nats.pid, role: 'part', isEngine: false },
      {
        ...{ name: 'gateway', pid: app('gateway'), isEngine: false },
        role: entry === 'rest' ? 'part' : 'beside',
      },
      ...beside.map((name) => ({
        ...{ name, pid: app(name), role: 'beside' as const, isEngine: false },
      })),
    ];
  }

  async kill(): Promise<void> {
    await this.suite.app('saga').stop('SIGKILL');
  }

  async restart(): Promise<void> {
    const saga = this.suite.app('saga');
    await saga.start();
    await saga.ready();
  }

  private get client(): RunClient {
    if (!this.connected) throw new Error(`${this.name} is not open`);
    return this.connected;
  }
}
