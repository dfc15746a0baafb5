import { createHash, randomUUID } from 'node:crypto';
import { execute, type EventStore } from '@downbeat/event-store';
import type { LogDatabase } from '@downbeat/event-store/testing';
import {
  Rejection,
  instantOf,
  type Command,
  type Decider,
  type EventMeta,
  type Json,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';
import { checkStream, instanceCheck } from '@downbeat/health-domain';
import { deadLetterHandling, deadLetterStream } from '@downbeat/messaging-domain';
import {
  instanceRegistration,
  instanceStream,
  serviceRegistration,
  serviceStream,
} from '@downbeat/registry-domain';
import {
  canonicalJson,
  compileDefinition,
  workflowDefinitions,
  workflowDefinitionStream,
  workflowStream,
} from '@downbeat/saga-domain';
import { call, definitionOf, Player, RUN_ID } from '@downbeat/saga-domain/testing';

export const CORRELATION = 'k-instances';
export const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
export const LETTER_ID = '0198c2a4-7d1e-8c3b-9a52-3f1f0a9f3c11';
export const NAMES = { service_id: 'billing', instance_id: 'billing-1' };
export const RUN = workflowStream(RUN_ID);

const at = instantOf(1_000_000);
const check = {
  url: 'http://10.0.0.7:3000/health',
  interval_ms: 1_000,
  timeout_ms: 500,
  failure_threshold: 3,
  success_threshold: 1,
};
const observed = { ...NAMES, status: 'healthy', failures: 0, detail: 'HTTP 200', checked_at: at };

/** Writes into a log what the contexts would: every kind of stream there is, and one nobody knows. */
export class ToldLog {
  constructor(private readonly database: LogDatabase) {}

  async tell(): Promise<void> {
    await this.tellOfRegistry();
    await this.tellOfHealth();
    await this.tellOfDeadLetter();
    await this.tellOfRun();
    await this.database.store('health').append({
      stream: 'weather-berlin' as StreamName,
      expected: 0,
      events: [{ type: 'RainBegan', data: { mm: 3 } }],
      meta: meta({}),
    });
  }

  private async tellOfRegistry(): Promise<void> {
    const store = this.database.store('registry');
    const service = serviceStream('billing');
    const described = {
      service_name: 'billing',
      service_version: '1.0.0',
      service_type: 'api',
      deployment_environment: 'production',
      dependencies: [],
    } as const;
    const registered = { ...described, dependencies: [...described.dependencies] };
    const decide = decidesOn(store, serviceRegistration, service);
    await decide({ type: 'RegisterService', data: registered, at });
    const changed = { service_id: 'billing', service_version: '1.1.0' };
    await decide({ type: 'UpdateService', data: changed, at }, { actor: 'olga' });

    const stream = instanceStream(NAMES.instance_id);
    const of = { correlation_id: CORRELATION };
    const decideInstance = decidesOn(store, instanceRegistration, stream);
    const instance = { ...NAMES, node_name: 'n', ip_address: '10.0.0.7', port: 3000, version: '1' };
    const data = { ...instance, version: '1.1.0', check };
    await decideInstance({ type: 'RegisterInstance', data, at }, of);
    await decideInstance({ type: 'ObserveHealth', data: observed as never, at }, of);
    const silent = { ...NAMES, silent_for_ms: 9_000 };
    await decideInstance({ type: 'ExpireInstance', data: silent, at }, of);
    await decideInstance({ type: 'RemoveInstance', data: NAMES, at }, of);
  }

  private async tellOfHealth(): Promise<void> {
    const stream = checkStream(NAMES.instance_id);
    const decide = decidesOn(this.database.store('health'), instanceCheck, stream);
    const names = { service_name: NAMES.service_id, instance_id: NAMES.instance_id };
    const traceparent = `00-${TRACE_ID}-b7ad6b7169203331-01`;
    const of = { correlation_id: CORRELATION, traceparent };
    const crossed = {
      ...names,
      status: 'healthy',
      failures: 0,
      detail: 'HTTP 200',
      checked_at: at,
    };
    await decide({ type: 'StartChecking', data: { ...names, check }, at }, of);
    await decide({ type: 'CrossThreshold', data: crossed as never, at }, of);
  }

  private async tellOfDeadLetter(): Promise<void> {
    const stream = deadLetterStream(LETTER_ID);
    const decide = decidesOn(this.database.store('messaging'), deadLetterHandling, stream);
    const from = { consumer: 'registry-commands', subject: 'command.registry.RegisterService.x' };
    const letter = (redrives: number) => ({ status: 'quarantined', redrives, ...from }) as const;
    const data = { dead_letter_id: LETTER_ID };
    await decide({ type: 'RedriveDeadLetter', data, at, letter: letter(0) });
    await decide({ type: 'RedriveDeadLetter', data, at, letter: letter(1) });
    const discarded = { ...data, reason: 'a test message' };
    await decide({ type: 'DiscardDeadLetter', data: discarded, at, letter: letter(2) });
  }

  /** A run with a decision, a retry and a failure that is undone. */
  private async tellOfRun(): Promise<void> {
    const store = this.database.store('saga');
    const definition = definitionOf([
      call('hold', { output_mapping: { hold_id: 'id' }, retry_policy: { max_retries: 1 } }),
      {
        name: 'is-large',
        type: 'decision',
        cases: [{ when: 'amount > 100', goto: 'capture' }],
        default: 'end',
      },
      call('capture', { input_mapping: { hold: 'hold_id' } }),
    ]);
    const checksum = checksumOf(definition as unknown as Json);
    await decidesOn(
      store,
      workflowDefinitions,
      workflowDefinitionStream(definition.name),
    )({
      type: 'RegisterWorkflowDefinition',
      data: definition,
      at,
      checksum,
    });
    const compiled = compileDefinition(definition);
    if (compiled instanceof Rejection) throw new Error(compiled.message);

    const player = new Player(compiled);
    player.say({
      type: 'StartWorkflow',
      at: player.at,
      workflow_id: RUN_ID,
      checksum,
      rules: undefined,
      data: {
        workflow_name: definition.name,
        correlation_id: 'order-4711',
        initiating_service: 'shop',
        context_data: { amount: 250 },
      },
    });
    player.answer('hold', { kind: 'answer', status: 503, message: 'busy' });
    player.due('retry:hold:1');
    player.ok('hold', { id: 'h-1' });
    player.status4xx('capture');
    player.ok('hold:undo');
    let expected = 0;
    for (const events of player.appends) {
      await store.append({ stream: RUN, expected, events, meta: meta({}) });
      expected += events.length;
    }
  }
}

const checksumOf = (definition: Json): string =>
  createHash('sha256').update(canonicalJson(definition)).digest('hex');

const meta = (more: Partial<EventMeta>): EventMeta => ({
  correlation_id: randomUUID(),
  causation_id: randomUUID(),
  actor: 'tests',
  ...more,
});

const decidesOn =
  <State, C extends Command, Event extends Message>(
    store: EventStore,
    decider: Decider<State, C, Event>,
    stream: StreamName,
  ) =>
  async (command: C, more: Partial<EventMeta> = {}): Promise<void> => {
    const result = await execute(store, decider, stream, command, { meta: meta(more) });
    if (result instanceof Rejection) throw new Error(result.message);
  };
