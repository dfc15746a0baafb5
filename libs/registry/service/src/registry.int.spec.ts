import type { JsonObject } from '@downbeat/eventsourcing';
import { TestBench } from '@downbeat/test-bench';
import { connect } from 'nats';
import { RegistryModule } from './registry.module';
import { described, registryCalls } from './testing/registry-calls';

describe('the registry, on real Postgres and NATS', () => {
  let bench: TestBench;
  beforeAll(async () => {
    bench = await TestBench.start({
      services: [{ name: 'registry', module: RegistryModule }],
      environment: { REGISTRY_TERMINATING_MS: '400' },
    });
  });
  afterAll(() => bench?.stop());

  const { command, accepted, register, registerInstance, get, instances, types, refusal } =
    registryCalls(() => bench);

  describe('commands', () => {
    it('with the same id are one command, and get the first answer', async () => {
      const send = (version: string) =>
        command('RegisterService', 'once', { ...described, service_version: version }, 'key-1');
      const first = await send('1.0.0');
      expect(first).toMatchObject({ accepted: true, answer: { service_id: 'once' } });
      expect(await send('1.0.0')).toEqual({ ...first, repeated: true });
      expect(await send('2.0.0')).toMatchObject({
        accepted: false,
        problem: { code: 'idempotency-key-reused', errors: [{ field: 'Nats-Msg-Id' }] },
      });
      expect(await types('service-once')).toEqual(['ServiceRegistered']);
    });

    it('with the same id on another aggregate are another command', async () => {
      const nats = await connect({ servers: bench.natsUrl });
      for (const service of ['key-a', 'key-b']) {
        const subject = `${bench.prefix}.command.registry.RegisterService.${service}`;
        const text = JSON.stringify({ ...described, command_id: 'key-2' });
        const answer = await nats.request(subject, text, { timeout: 10_000 });
        expect(answer.json()).toMatchObject({ accepted: true, answer: { service_id: service } });
      }
      await nats.close();
      expect(await types('service-key-b')).toEqual(['ServiceRegistered']);
    });

    it.each<[string, string, JsonObject, string]>([
      ['an unknown field', 'bad-1', { ...described, colour: 'red' }, 'colour'],
      ['a wrong type', 'bad-2', { ...described, service_version: 7 }, 'service_version'],
      ['another id than the subject', 'bad-3', { ...described, service_name: 'x' }, 'service_name'],
      ['a prototype', 'bad-4', JSON.parse('{"__proto__":{"a":1}}') as JsonObject, '__proto__'],
      ['a name that is none', 'Bad_5', described, 'service_name'],
    ])(
      'with %s are refused, set aside with the field, and leave nothing',
      async (_, id, body, field) => {
        const problem = await refusal('RegisterService', id, body);
        expect(problem).toMatchObject({ kind: 'invalid' });
        expect(problem.errors?.map((error) => error.field)).toContain(field);
        const letters = await bench.deadLetters();
        const letter = letters.find(
          ({ subject }) => subject === `command.registry.RegisterService.${id}`,
        );
        expect(letter?.reason).toContain(field);
        expect(await bench.events(`service-${id}`)).toEqual([]);
      },
    );

    it('that do not exist are refused and set aside', async () => {
      expect(await refusal('DropTables', 'x')).toMatchObject({ code: 'unknown-command' });
      expect((await bench.deadLetters()).map(({ subject }) => subject)).toContain(
        'command.registry.DropTables.x',
      );
    });

    it('that a rule refuses are answered and not set aside', async () => {
      const before = (await bench.deadLetters()).length;
      const problem = await refusal('RegisterService', 'selfish', {
        ...described,
        dependencies: ['selfish'],
      });
      expect(problem).toMatchObject({ code: 'depends-on-itself' });
      expect(await bench.deadLetters()).toHaveLength(before);
    });
  });

  describe('through trouble', () => {
    it('keeps what it knows when it is restarted, and holds nobody to blame for the pause', async () => {
      await register('steady');
      await registerInstance('steady', 'steady-1', { heartbeat_ttl_ms: 5_000 });
      await bench.restart('registry');
      const position = await accepted('Heartbeat', 'steady-1', { service_id: 'steady' });
      expect((await instances('steady', { min_position: position })).total_count).toBe(1);
      expect(await types('instance-steady-1')).toEqual(['InstanceRegistered']);
    });

    it('takes commands after JetStream lost everything', async () => {
      await bench.loseStreams();
      await bench.eventually(
        () => command('RegisterService', 'after-loss', described),
        (outcome) => expect(outcome).toMatchObject({ accepted: true }),
      );
      await bench.eventually(
        () => get('after-loss'),
        (found) => found.id === 'after-loss',
      );
    });

    it('is not ready while it cannot reach Postgres, and ready again when it can', async () => {
      const ready = async () => (await fetch(`${bench.urlOf('registry')}/health/ready`)).status;
      const live = async () => (await fetch(`${bench.urlOf('registry')}/health/live`)).status;
      expect(await ready()).toBe(200);
      await bench.databaseGate.shut();
      await bench.eventually(ready, (status) => status === 503);
      expect(await live()).toBe(200);
      await bench.databaseGate.open();
      await bench.eventually(ready, (status) => status === 200);
      await register('after-cut');
    });

    it('does not take for silent whom a lost stream kept from being heard', async () => {
      const TTL_MS = 5_000;
      const heartbeat = { service_id: 'unheard' };
      await register('unheard');
      const nats = await connect({ servers: bench.natsUrl });
      const manager = await nats.jetstreamManager();
      const [stream, rival] = [`${bench.prefix}-command-registry`, `${bench.prefix}-in-its-place`];
      const { subjects } = (await manager.streams.info(stream)).config;
      await registerInstance('unheard', 'unheard-1', { heartbeat_ttl_ms: TTL_MS });
      // What stands in its place keeps it from being made again; the server itself is there.
      await bench.eventually(
        async () => {
          await manager.streams.delete(stream);
          await manager.streams.add({ name: rival, subjects });
        },
        () => true,
      );
      const awayAt = Date.now();
      await bench.eventually(
        () => Date.now() - awayAt,
        (ms) => ms > TTL_MS + 1_000,
        30_000,
      );
      await manager.streams.delete(rival);
      await bench.eventually(
        () => bench.command('command.registry.Heartbeat.unheard-1', heartbeat, { timeoutMs: 500 }),
        (outcome) => expect(outcome).toMatchObject({ accepted: true }),
        30_000,
      );
      await nats.close();
      expect(await types('instance-unheard-1')).toEqual(['InstanceRegistered']);
    });

    it('does not take for silent whom a lost database kept from being heard', async () => {
      await register('cut-off');
      await registerInstance('cut-off', 'cut-off-1', { heartbeat_ttl_ms: 8_000 });
      await bench.databaseGate.shut();
      const shutAt = Date.now();
      await bench.eventually(
        () => Date.now() - shutAt,
        (ms) => ms > 9_000,
      );
      await bench.databaseGate.open();
      await bench.eventually(
        () => command('Heartbeat', 'cut-off-1', { service_id: 'cut-off' }),
        (outcome) => expect(outcome).toMatchObject({ accepted: true }),
      );
      expect(await types('instance-cut-off-1')).toEqual(['InstanceRegistered']);
    });
  });

  it('shows what it counts to whoever scrapes it', async () => {
    const scraped = async () => {
      const response = await fetch(`${bench.urlOf('registry')}/metrics`);
      expect(response.headers.get('content-type')).toContain('text/plain');
      return response.text();
    };
    // What is owed only the replica knows that relays, which it begins again after the database was away.
    const text = await bench.eventually(scraped, (said) =>
      said.includes('downbeat_relay_unsent{context="registry"'),
    );
    expect(text).toMatch(/downbeat_bus_deliveries_total\{service="registry"\} [1-9]/);
    expect(text).toContain('downbeat_projection_lag_positions{projection="registry.services"');
  });
});
