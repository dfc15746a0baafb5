import { querySubject, registryContract, sagaContract, type AnswerOf } from '@downbeat/contracts';
import { LogDatabase } from '@downbeat/event-store/testing';
import type { JsonObject } from '@downbeat/eventsourcing';
import { MessageBus, NatsMessageBus, type CommandOutcome } from '@downbeat/message-bus';
import { removeStreams } from '@downbeat/message-bus/testing';
import { startService, type RunningService } from '@downbeat/service-host';
import { randomUUID } from 'node:crypto';
import { Replica } from '../engine/replica';
import { SagaModule } from '../saga.module';
import { Participants } from './participants';

export type Status = AnswerOf<typeof sagaContract.workflowStatusQuery>;
type List = AnswerOf<typeof sagaContract.listWorkflows>;
type Definitions = AnswerOf<typeof sagaContract.listDefinitions>;

const ENDED = ['completed', 'failed', 'compensated'];
const WAIT_MS_MAX = 20_000;
/** A test may wait for a hundred runs at once, and their answers come from the same machine. */
const PAUSE_MS = 30;

/**
 * The saga app on real Postgres and NATS, with participants on real HTTP. The registry is played:
 * it knows the services `shop` (the participants) and `closed` (nobody listens there).
 */
export class SagaBench {
  readonly replicas: RunningService[] = [];
  /** Of the newest command that was accepted: what is asked next knows of it. */
  private position = 0;

  private constructor(
    readonly database: LogDatabase,
    readonly natsUrl: string,
    readonly prefix: string,
    readonly bus: NatsMessageBus,
    readonly participants: Participants,
  ) {}

  /** @throws {Error} A server is not configured: a missing server fails the run. */
  static async open(
    purpose: string,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<SagaBench> {
    const natsUrl = process.env['DOWNBEAT_TEST_NATS_URL'];
    if (natsUrl === undefined) throw new Error('DOWNBEAT_TEST_NATS_URL is not set');
    const database = await LogDatabase.create(purpose);
    const prefix = `t${randomUUID().slice(0, 8)}`;
    const bus = await NatsMessageBus.connect({ url: natsUrl, prefix, name: 'bench' });
    const bench = new SagaBench(database, natsUrl, prefix, bus, await Participants.listen());
    bus.answer(querySubject(registryContract.directory), async () => ({
      ok: true,
      position: 1,
      data: bench.directory(),
    }));
    // What was asked over a connection is heard after what was subscribed over it.
    await bus.query(querySubject(registryContract.directory), {});
    await bench.addReplica(settings);
    return bench;
  }

  /** Runs that replicas took over from one another, as after a stall. */
  get takenOver(): number {
    return this.replicas.reduce((sum, { app }) => sum + app.get(Replica).status().taken_over, 0);
  }

  async addReplica(settings: Readonly<Record<string, string>> = {}): Promise<RunningService> {
    const replica = await startService(
      { name: 'saga', module: SagaModule },
      {
        NATS_URL: this.natsUrl,
        NATS_PREFIX: this.prefix,
        DATABASE_URL_SAGA: this.database.urlOf('saga'),
        DOWNBEAT_MODE: 'development',
        LOG_LEVEL: 'error',
        ...settings,
      },
    );
    this.replicas.push(replica);
    return replica;
  }

  /** Cuts a replica off as a crash does: it says goodbye to nobody, and its lease runs out. */
  async cutOff(replica: RunningService): Promise<void> {
    await replica.app.get(Replica).abandon();
    await replica.app.get(MessageBus).close();
  }

  async command(
    name: string,
    id: string,
    body: JsonObject,
    commandId?: string,
  ): Promise<CommandOutcome> {
    const options = { ...(commandId !== undefined && { id: commandId }), timeoutMs: 20_000 };
    const outcome = await this.bus.command(`command.saga.${name}.${id}`, body, options);
    if (outcome.accepted) this.position = Math.max(this.position, outcome.position);
    return outcome;
  }

  async register(name: string, steps: readonly object[], more: JsonObject = {}): Promise<void> {
    const outcome = await this.command('RegisterWorkflowDefinition', name, {
      steps,
      ...more,
    } as never);
    if (!outcome.accepted) throw new Error(JSON.stringify(outcome.problem));
  }

  /** @returns The run's id. */
  async start(
    workflow_name: string,
    correlationId: string,
    more: JsonObject = {},
  ): Promise<string> {
    const outcome = await this.command('StartWorkflow', correlationId, {
      workflow_name,
      initiating_service: 'test',
      context_data: {},
      ...more,
    });
    if (!outcome.accepted) throw new Error(JSON.stringify(outcome.problem));
    return String(outcome.answer['workflow_id']);
  }

  async ask<Answer>(name: string, input: JsonObject, more: JsonObject = {}): Promise<Answer> {
    const as = 'at' in more ? {} : { min_position: this.position };
    const asked = { input, ...as, ...more };
    // What is behind or too busy says so, and is asked again as a client would.
    const outcome = await this.eventually(
      () => this.bus.query(`query.saga.${name}`, asked, { timeoutMs: WAIT_MS_MAX }),
      (one) => one.ok || one.problem.kind !== 'unavailable',
    );
    if (!outcome.ok) throw new Error(`${outcome.problem.code}: ${outcome.problem.message}`);
    return outcome.data as Answer;
  }

  status(workflow_id: string, more: JsonObject = {}): Promise<Status> {
    return this.ask<Status>('workflow-status', { workflow_id }, more);
  }

  list(input: JsonObject = {}): Promise<List> {
    return this.ask<List>('list-workflows', input);
  }

  definitions(input: JsonObject = {}): Promise<Definitions> {
    return this.ask<Definitions>('list-workflow-definitions', input);
  }

  /** Repeats the question until the run is as wanted. */
  until(workflowId: string, isWanted: (status: Status) => boolean): Promise<Status> {
    return this.eventually(() => this.status(workflowId), isWanted);
  }

  /** Repeats any question until its answer is as wanted. */
  async eventually<Answer>(
    ask: () => Promise<Answer>,
    isWanted: (answer: Answer) => boolean,
  ): Promise<Answer> {
    const deadline = Date.now() + WAIT_MS_MAX;
    for (;;) {
      const answer = await ask();
      if (isWanted(answer)) return answer;
      if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(answer).slice(0, 4_000)}`);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  ended(workflowId: string): Promise<Status> {
    return this.until(workflowId, ({ workflow }) => ENDED.includes(workflow.current_status));
  }

  async close(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    await this.bus.close();
    await this.participants.close();
    await this.database.drop();
    await removeStreams(this.natsUrl, this.prefix);
  }

  private directory(): AnswerOf<typeof registryContract.directory> {
    const service = (service_name: string, base_url: string) => ({
      service_name,
      base_url,
      revision: 1,
      capabilities: [],
      capability_versions: {},
      instance_count: 0,
      targets: [],
    });
    return {
      revision: 1,
      has_more: false,
      services: [service('shop', this.participants.url), service('closed', 'http://127.0.0.1:9')],
    };
  }
}

/**
 * A call to the participants with an undo, and retries that do not keep a test waiting. On a busy
 * machine an answer takes its time, so what is to time out says so itself.
 */
export const shopCall = (name: string, more: Readonly<Record<string, unknown>> = {}) => ({
  name,
  type: 'service_call',
  service_name: 'shop',
  endpoint: `/${name}`,
  retry_policy: { max_retries: 1, initial_delay_ms: 20 },
  timeout_seconds: 20,
  compensation_action: {
    service_name: 'shop',
    endpoint: `/undo/${name}`,
    input_mapping: { id: 'output.id' },
    retry_policy: { max_retries: 1, initial_delay_ms: 20 },
  },
  ...more,
});
