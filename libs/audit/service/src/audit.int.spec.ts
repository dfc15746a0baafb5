import { randomUUID } from 'node:crypto';
import { auditContract, type AnswerOf } from '@downbeat/contracts';
import { eventually, LogDatabase } from '@downbeat/event-store/testing';
import { streamName, type JsonObject } from '@downbeat/eventsourcing';
import { NatsMessageBus } from '@downbeat/message-bus';
import { removeStreams } from '@downbeat/message-bus/testing';
import type { Projection } from '@downbeat/projections';
import {
  ContextModule,
  ContextRuntime,
  startService,
  type RunningService,
} from '@downbeat/service-host';
import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { AuditModule } from './audit.module';
import { Patience } from './patience';
import { replayed, REPLAY_LIMITS } from './replay/replay.queries';
import { CORRELATION, LETTER_ID, NAMES, RUN, ToldLog, TRACE_ID } from './testing/told-log';

type Events = AnswerOf<typeof auditContract.listEvents>;
type Replay = AnswerOf<typeof auditContract.replay>;
type Verification = AnswerOf<typeof auditContract.verify>;

const ignore = 'ignore' as const;
const names: Projection = {
  name: 'registry.names',
  version: 1,
  tables: [
    {
      name: 'known',
      key: 'service_name',
      columns: { service_name: 'text', since: 'instant' },
      on: {
        ServiceRegistered: {
          keys: ({ data }: { data: { service_name: string } }) => [data.service_name],
          fold: (
            _: unknown,
            { data, recorded_at }: { data: { service_name: string }; recorded_at: string },
          ) => ({ service_name: data.service_name, since: recorded_at }),
        },
        ServiceChanged: ignore,
        InstanceRegistered: ignore,
        InstanceHealthObserved: ignore,
        InstanceTerminating: ignore,
        InstanceRemoved: ignore,
      },
    },
  ],
};

/** The audit beside a registry with one small read model. */
@Module({
  imports: [
    ContextModule.of({
      context: 'registry',
      projections: [names],
      commands: [],
      contracts: { commands: [], queries: [] },
    }),
    AuditModule,
  ],
})
class AuditBesideRegistry implements OnApplicationBootstrap {
  constructor(private readonly registry: ContextRuntime) {}

  onApplicationBootstrap(): Promise<void> {
    return this.registry.start();
  }
}

let database: LogDatabase;
let service: RunningService;
let bus: NatsMessageBus;
let url: string;
const prefix = `t${randomUUID().slice(0, 8)}`;

beforeAll(async () => {
  const natsUrl = process.env['DOWNBEAT_TEST_NATS_URL'];
  if (natsUrl === undefined) throw new Error('DOWNBEAT_TEST_NATS_URL is not set');
  url = natsUrl;
  database = await LogDatabase.create('audit_service');
  await new ToldLog(database).tell();
  Object.assign(process.env, {
    NATS_URL: natsUrl,
    NATS_PREFIX: prefix,
    DATABASE_URL_REGISTRY: database.urlOf('registry'),
    DATABASE_URL_AUDIT: database.urlOf('audit'),
    LOG_LEVEL: 'error',
    HOST: '127.0.0.1',
    PORT: '0',
  });
  service = await startService({ name: 'orchestrator', module: AuditBesideRegistry });
  bus = await NatsMessageBus.connect({ url: natsUrl, prefix, name: 'test' });
});
afterAll(async () => {
  await bus.close();
  await service.stop();
  await database.drop();
  await removeStreams(url, prefix);
});

const ask = (name: string, input: JsonObject) =>
  bus.query(`query.audit.${name}`, { input }, { timeoutMs: 30_000 });
async function answer(name: string, input: JsonObject): Promise<unknown> {
  const outcome = await ask(name, input);
  if (!outcome.ok) throw new Error(`${outcome.problem.code}: ${outcome.problem.message}`);
  return outcome.data;
}
const events = async (input: JsonObject): Promise<Events> =>
  auditContract.listEvents.answer.parse(await answer('list-events', input));
const typesOf = async (input: JsonObject) => (await events(input)).events.map(({ type }) => type);
const replay = async (input: JsonObject): Promise<Replay['streams']> =>
  auditContract.replay.answer.parse(await answer('replay', input)).streams;
const verify = async (input: JsonObject = {}): Promise<Verification> =>
  auditContract.verify.answer.parse(await answer('verify', input));

/** Past the triggers and the rights, as only a superuser can. @returns What undoes it. */
async function tamper(statement: string): Promise<() => Promise<void>> {
  await database.asOwner(async (owner) => {
    await owner.query('create table public.whole_event as table log.event');
    await owner.query('set session_replication_role = replica');
    expect((await owner.query(statement)).rowCount).toBe(1);
  });
  return () =>
    database.asOwner(async (owner) => {
      await owner.query('set session_replication_role = replica');
      await owner.query('truncate log.event');
      await owner.query('insert into log.event table public.whole_event');
      await owner.query('drop table public.whole_event');
    });
}

describe('the list of events', () => {
  it.each<[string, JsonObject, readonly string[]]>([
    ['stream', { stream: 'service-billing' }, ['ServiceRegistered', 'ServiceChanged']],
    ['type', { type: 'RainBegan' }, ['RainBegan']],
    [
      'correlation id',
      { correlation_id: CORRELATION },
      [
        'InstanceRegistered',
        'InstanceHealthObserved',
        'InstanceTerminating',
        'InstanceRemoved',
        'CheckStarted',
        'HealthChanged',
      ],
    ],
    ['trace id', { trace_id: TRACE_ID }, ['CheckStarted', 'HealthChanged']],
    [
      'positions',
      { after_position: 1, until_position: '3', order: 'desc' },
      ['InstanceRegistered', 'ServiceChanged'],
    ],
    ['all of them together', { trace_id: TRACE_ID, type: 'HealthChanged' }, ['HealthChanged']],
  ])('can be asked by %s', async (_, input, types) => {
    expect(await typesOf(input)).toEqual(types);
  });

  it('can be asked by time', async () => {
    const [first] = (await events({ stream: `check-${NAMES.instance_id}` })).events;
    const since = first?.recorded_at ?? '';
    const later = await events({ since });
    expect(later.events[0]?.position).toBeLessThanOrEqual(first?.position ?? 0);
    expect(later.events.every(({ recorded_at }) => recorded_at >= since)).toBe(true);
    const earlier = await events({ until: since });
    expect(earlier.events.map(({ position }) => position)).toContain(first?.position);
    expect(earlier.events.every(({ recorded_at }) => recorded_at <= since)).toBe(true);
  });

  it('holds all of an event, and goes on with a cursor', async () => {
    const all = (await events({ limit: 1_000 })).events;
    expect(all[1]).toMatchObject({
      position: 2,
      context: 'registry',
      stream: 'service-billing',
      version: 2,
      data: { service_version: '1.1.0' },
      meta: { actor: 'olga' },
    });
    const paged: Events['events'] = [];
    let cursor: string | undefined;
    do {
      const page: Events = await events({ limit: 4, ...(cursor ? { cursor } : {}) });
      paged.push(...page.events);
      cursor = page.next_cursor;
    } while (cursor);
    expect(paged).toEqual(all);
  });

  it('holds what fits into an answer', async () => {
    const store = database.store('health');
    const meta = { correlation_id: 'large', causation_id: 'm', actor: 'tests' };
    for (const n of [0, 1, 2])
      await store.append({
        stream: 'large-1' as never,
        expected: n,
        events: [{ type: 'Large', data: { text: 'x'.repeat(400_000) } }],
        meta,
      });
    const page = await events({ correlation_id: 'large' });
    expect(page.events).toHaveLength(1);
    const next = await events({ correlation_id: 'large', cursor: page.next_cursor ?? '' });
    expect(next.events.map(({ version }) => version)).toEqual([2]);
  });

  it('refuses a cursor that was made up', async () => {
    expect(await ask('list-events', { cursor: 'abc' })).toMatchObject({
      problem: { kind: 'invalid', errors: [{ field: 'cursor' }] },
    });
  });
});

describe('a replay', () => {
  it.each<[string, string, JsonObject, number]>([
    ['service-billing', 'registry', { status: 'registered' }, 2],
    [`instance-${NAMES.instance_id}`, 'registry', { status: 'absent' }, 4],
    [`check-${NAMES.instance_id}`, 'health', { status: 'healthy' }, 2],
    [`dead-letter-${LETTER_ID}`, 'messaging', { status: 'discarded' }, 3],
    ['workflow-definition-book', 'saga', { '1.0.0': expect.any(String) as never }, 1],
  ])('tells the state of %s and makes its decisions again', async (stream, context, state, n) => {
    const [one, ...more] = await replay({ stream });
    expect(more).toEqual([]);
    expect(one).toMatchObject({ stream, context, state, decisions_compared: n, version: n });
    expect(one?.first_difference).toBeUndefined();
  });

  it('makes every decision of a run again, from the answers that came in', async () => {
    const [run] = await replay({ stream: RUN });
    expect(run).toMatchObject({
      context: 'saga',
      decisions_compared: 6,
      state: { status: 'compensated', context: { amount: 250, hold_id: 'h-1' } },
    });
    expect(run?.first_difference).toBeUndefined();
  });

  it('says what a run would have done with another definition', async () => {
    const [registered] = (await events({ type: 'WorkflowDefinitionRegistered' })).events;
    const { definition } = registered?.data as { definition: JsonObject };
    const workflow_ids = [RUN.slice('workflow-'.length), randomUUID()];
    const whatIf = async (changed: JsonObject) =>
      auditContract.whatIf.answer.parse(
        await answer('what-if', { definition: { ...definition, ...changed }, workflow_ids }),
      ).runs;
    expect(await whatIf({ version: '2.0.0' })).toEqual([
      { workflow_id: workflow_ids[0], outcome: 'same', decisions_compared: 6 },
      { workflow_id: workflow_ids[1], outcome: 'unknown', decisions_compared: 0 },
    ]);
    const [run] = await whatIf({ compensation_strategy: 'none' });
    expect(run).toMatchObject({ outcome: 'differs' });
    expect(JSON.stringify(run?.first_difference?.derived)).toContain('WorkflowFailed');
    expect(
      await ask('what-if', { definition: { ...definition, steps: [] }, workflow_ids }),
    ).toMatchObject({ problem: { errors: [{ field: 'definition.steps' }] } });
  });

  it('tells the state of a moment', async () => {
    const [, second] = (await events({ stream: RUN })).events;
    const [run] = await replay({ stream: RUN, until_position: second?.position ?? 0 });
    expect(run).toMatchObject({ version: 2, state: { status: 'running' }, decisions_compared: 1 });
    const [service] = await replay({ stream: 'service-billing', until_position: 1 });
    expect(service).toMatchObject({
      version: 1,
      state: { description: { service_version: '1.0.0' } },
    });
  });

  it('follows a correlation id through the contexts', async () => {
    const streams = await replay({ correlation_id: CORRELATION });
    expect(streams.map(({ stream }) => stream)).toEqual([
      `instance-${NAMES.instance_id}`,
      `check-${NAMES.instance_id}`,
    ]);
  });

  it('tells the version of a stream that it does not know the rules of', async () => {
    const [weather] = await replay({ stream: 'weather-berlin' });
    expect(weather).toMatchObject({ context: 'health', version: 1, decisions_compared: 0 });
    expect(weather).not.toHaveProperty('state');
  });

  it.each([{ stream: 'service-none' }, { correlation_id: 'none' }])(
    'finds nothing of what is not there',
    async (input) => {
      expect(await ask('replay', input)).toMatchObject({
        problem: { code: 'stream-unknown', kind: 'not-found' },
      });
    },
  );

  it.each([{}, { stream: 'a', correlation_id: 'b' }])('wants a stream or an id', async (input) => {
    expect(await ask('replay', input)).toMatchObject({ problem: { kind: 'invalid' } });
  });

  it.each<[string, JsonObject, Partial<typeof REPLAY_LIMITS>]>([
    ['streams', { correlation_id: CORRELATION }, { streamsMax: 1 }],
    ['events of a stream', { stream: RUN }, { streamEventsMax: 3 }],
    ['events', { correlation_id: CORRELATION }, { eventsMax: 5 }],
    ['bytes', { stream: RUN }, { answerBytesMax: 100 }],
  ])('is refused when it has too many %s', async (_, input, limits) => {
    const end = Number.MAX_SAFE_INTEGER;
    const limited = { ...REPLAY_LIMITS, ...limits };
    expect(
      await replayed(database.audit(), input, end, new Patience(10_000), limited),
    ).toMatchObject({
      code: 'replay-too-large',
      kind: 'invalid',
    });
  });

  it.each<[string, string, string, unknown]>([
    [
      'another outcome',
      `update log.event set data = replace(data::text, '"capture"', '"end"')::json
        where stream = '${RUN}' and type = 'DecisionTaken'`,
      RUN,
      expect.arrayContaining([
        expect.objectContaining({ data: expect.objectContaining({ goto: 'capture' }) }),
      ]),
    ],
    [
      'another definition',
      `update log.event set data = replace(data::text, 'amount > 100', 'amount > 101')::json
        where stream = 'workflow-definition-book'`,
      RUN,
      { impossible: expect.stringMatching(/not the one the run went by/) },
    ],
    [
      'no definition',
      `update log.event set stream = 'workflow-definition-other'
        where stream = 'workflow-definition-book'`,
      RUN,
      { impossible: expect.stringMatching(/is not in the log/) },
    ],
    [
      'a definition that its checksum is not of',
      `update log.event set data = replace(data::text, 'amount > 100', 'amount > 101')::json
        where stream = 'workflow-definition-book'`,
      'workflow-definition-book',
      expect.any(Array),
    ],
    [
      'an event no rule knows',
      `update log.event set type = 'Forged' where stream = 'service-billing' and version = 1`,
      'service-billing',
      { impossible: expect.stringMatching(/Forged/) },
    ],
    [
      'an event that cannot follow',
      `update log.event set data = replace(data::text, '"redrive":2', '"redrive":7')::json
        where stream = 'dead-letter-${LETTER_ID}' and version = 2`,
      `dead-letter-${LETTER_ID}`,
      [expect.objectContaining({ data: expect.objectContaining({ redrive: 2 }) })],
    ],
    [
      'a decision the rules refuse',
      `update log.event set type = 'DeadLetterDiscarded',
              data = (data::jsonb - 'redrive' || '{"reason":"x"}')::json
        where stream = 'dead-letter-${LETTER_ID}' and version = 1`,
      `dead-letter-${LETTER_ID}`,
      { rejected: 'dead-letter-discarded', message: expect.any(String) },
    ],
  ])('finds %s', async (_, statement, stream, derived) => {
    const restore = await tamper(statement);
    try {
      const [one] = await replay({ stream });
      expect(one?.first_difference?.derived).toEqual(derived);
      expect(one?.state).toBeInstanceOf(Object);
    } finally {
      await restore();
    }
  });
});

describe('a verification', () => {
  it('finds a log and a read model that are as they were', async () => {
    await eventually(async () => {
      const { hash_chain, read_model } = await verify({ read_model: 'registry.names' });
      const commits = (await database.audit().headCommit())?.commit_no;
      expect(hash_chain).toMatchObject({ is_intact: true, commits });
      expect(read_model).toMatchObject({
        name: 'registry.names',
        is_equal: true,
        tables: [{ table: 'known', rows: 1 }],
      });
    });
  });

  it('can begin at a commit', async () => {
    const whole = (await verify()).hash_chain;
    const { hash_chain, read_model } = await verify({ from_commit: 4 });
    expect(hash_chain).toMatchObject({ is_intact: true, commits: whole.commits - 3 });
    expect(hash_chain.head).toBe(whole.head);
    expect(read_model).toBeUndefined();
  });

  it('finds an event that was altered', async () => {
    const restore = await tamper(
      `update log.event set data = replace(data::text, '1.1.0', '6.6.6')::json where position = 2`,
    );
    try {
      expect((await verify()).hash_chain).toMatchObject({
        is_intact: false,
        commits: 1,
        first_broken_commit: 2,
        detail: expect.stringMatching(/hash/) as never,
      });
    } finally {
      await restore();
    }
    expect((await verify()).hash_chain.is_intact).toBe(true);
  });

  it('finds a row that was altered', async () => {
    await database.asOwner((owner) =>
      owner.query(`update registry.known_v1 set since = since + interval '1 day'`),
    );
    const { read_model, hash_chain } = await verify({ read_model: 'registry.names' });
    expect(hash_chain.is_intact).toBe(true);
    expect(read_model?.is_equal).toBe(false);
    const [table] = read_model?.tables ?? [];
    expect(table?.live_hash).not.toBe(table?.rebuilt_hash);
  });

  it.each(['registry.none', 'nobody.services', 'services', 'registry', '__proto__.x'])(
    'does not know %s',
    async (read_model) => {
      expect(await ask('verify', { read_model })).toMatchObject({
        problem: { code: 'read-model-unknown', kind: 'not-found' },
      });
    },
  );

  it('says so when the owning context is away', async () => {
    expect(await ask('verify', { read_model: 'saga.workflows' })).toMatchObject({
      problem: { kind: 'unavailable' },
    });
  });
});

it('says how it is', async () => {
  expect(await bus.query('query.audit.status', {}, { timeoutMs: 30_000 })).toMatchObject({
    ok: true,
    position: expect.any(Number) as never,
    data: { context: 'audit', projections: [] },
  });
});

describe('an event larger than a message', () => {
  it('is shown with what is small in it', async () => {
    const stream = streamName('workflow', randomUUID());
    const text = 'x'.repeat(1_500_000);
    await database.store('saga').append({
      stream,
      expected: 0,
      events: [{ type: 'Said', data: { step: 'a', output: { text } } }],
      meta: { correlation_id: 'large', causation_id: 'm', actor: 'tests' },
    });
    expect(await events({ stream })).toMatchObject({
      events: [{ type: 'Said', data: { step: 'a', output: { omitted_characters: 1_500_011 } } }],
    });
  });
});
