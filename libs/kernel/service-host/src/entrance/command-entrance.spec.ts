import { healthContract, messagingContract, registryContract } from '@downbeat/contracts';
import type { EventStore } from '@downbeat/event-store';
import { MemoryEventStore, MemoryLog } from '@downbeat/event-store/testing';
import type { StreamName } from '@downbeat/eventsourcing';
import type { CommandOutcome, Delivery } from '@downbeat/message-bus';
import type { CommandBus } from '@nestjs/cqrs';
import { accepted } from './carry-out';
import { CommandEntrance, commandIdOf } from './command-entrance';
import { commandOf, type ContextCommand } from './context-command';

class RegisterService extends commandOf(registryContract.registerService) {}
class Heartbeat extends commandOf(registryContract.heartbeat) {}
class SubscribeService extends commandOf(messagingContract.subscribeService) {}
class ReportBreakers extends commandOf(healthContract.reportBreakers) {}
class CreateConfiguration extends commandOf(registryContract.createConfiguration) {}

const outcome: CommandOutcome = { accepted: true, position: 7, answer: {}, repeated: false };
const body = {
  service_version: '1.4.0',
  service_type: 'api',
  deployment_environment: 'production',
  dependencies: [],
};
const delivery = (more: Partial<Delivery> = {}): Delivery => ({
  id: 'key-1',
  subject: 'command.registry.RegisterService.billing',
  deliveries: 1,
  body,
  headers: {},
  correlationId: 'c-1',
  actor: 'olga',
  isAwaited: () => true,
  ...more,
});

/** No command was answered yet. */
const NOTHING = { answerOf: () => Promise.resolve(undefined) };

describe('the entrance of a context', () => {
  let executed: ContextCommand<never>[];
  let entrance: CommandEntrance;
  beforeEach(() => {
    executed = [];
    const commands = {
      execute: async (command: ContextCommand<never>) => {
        executed.push(command);
        return outcome;
      },
    };
    entrance = new CommandEntrance(
      [RegisterService, Heartbeat, CreateConfiguration, SubscribeService, ReportBreakers],
      commands as unknown as CommandBus,
      NOTHING,
      () => 0,
    );
  });

  it('keeps commands about the same id in order, but for those that may come in any', () => {
    const ids = Array.from({ length: 100 }, (_, id) => String(id));
    const keys = (subject: string): ReadonlySet<string> =>
      new Set(ids.map((id) => entrance.orderKeyOf({ subject, id })));
    expect(keys('command.registry.RegisterService.billing').size).toBe(1);
    expect(keys('command.registry.NoCommand.billing').size).toBe(1);
    // As many as ask do not take all places that there are.
    const inAnyOrder = 'command.messaging.SubscribeService.billing';
    expect(keys(inAnyOrder).size).toBe(4);
    expect(keys(inAnyOrder)).toEqual(keys(inAnyOrder));
  });

  it('hands a valid command on, with its id from the subject, its time and where it comes from', async () => {
    const settlement = await entrance.handle(delivery({ traceparent: '00-a-b-01' }));
    expect(settlement).toEqual({ outcome: 'done', answer: outcome });
    expect(executed).toHaveLength(1);
    expect(executed[0]).toBeInstanceOf(RegisterService);
    expect(executed[0]).toMatchObject({
      data: { ...body, service_name: 'billing' },
      at: '1970-01-01T00:00:00.000Z',
      cause: {
        commandId: 'command.registry.RegisterService.billing key-1',
        meta: {
          correlation_id: 'c-1',
          causation_id: 'key-1',
          actor: 'olga',
          traceparent: '00-a-b-01',
        },
      },
    });
  });

  it.each([
    [
      'a field that is wrong',
      { environment: 'production', configuration: { key: { $secret: 'canary' } } },
    ],
    ['a field too many', { environment: 'production', configuration: {}, secret: 'canary' }],
    ['no object', ['canary']],
  ])(
    'answers what is wrong with a confidential command and keeps nothing of it: %s',
    async (_, wrong) => {
      const subject = 'command.registry.CreateConfiguration.billing';
      const settlement = await entrance.handle(delivery({ subject, body: wrong }));
      expect(settlement).toMatchObject({ outcome: 'done', answer: { accepted: false } });
      expect(JSON.stringify(settlement)).not.toContain('canary');
    },
  );

  it('takes as many keys as the contract of the command allows', async () => {
    const contract = { ...RegisterService.contract, keysMax: 20_000 };
    const Large = class extends RegisterService {
      static override readonly contract = contract;
    };
    const many = (keys: number) => ({
      ...body,
      labels: { ...Array.from({ length: keys }, () => 1) },
    });
    const codeOf = async (one: CommandEntrance, keys: number) => {
      const settlement = await one.handle(delivery({ body: many(keys) }));
      return 'answer' in settlement && settlement.answer?.accepted === false
        ? settlement.answer.problem.code
        : undefined;
    };
    const large = new CommandEntrance([Large], {} as CommandBus, {} as EventStore, () => 0);
    expect(await codeOf(entrance, 10_001)).toBe('malformed-body');
    expect(await codeOf(large, 10_001)).toBe('invalid-input');
    expect(await codeOf(large, 20_001)).toBe('malformed-body');
  });

  it('takes an id that has dots whole', async () => {
    const subject = 'command.registry.Heartbeat.pod.7';
    await entrance.handle(delivery({ subject, body: { service_id: 'billing' } }));
    expect(executed[0]).toMatchObject({ data: { instance_id: 'pod.7' } });
  });

  describe('takes an id `<service>.<anything>` for a word of that service', () => {
    const report = async (as: string, holder: string) => {
      const told = { ...healthContract.reportBreakers.example, holder };
      const subject = `command.health.ReportBreakers.${as}`;
      const settlement = await entrance.handle(delivery({ subject, body: told }));
      return settlement.outcome === 'dead-letter' ? settlement.reason : 'accepted';
    };
    it.each([
      ['shop.1', 'shop.1', 'shop'],
      ['shop-1', 'shop-1'],
      // A NATS server lets nobody say these in the name of a service.
      ['10.0.0.7', '10.0.0.7'],
      ['web1%2Einternal', 'web1.internal'],
      ['10%2E0%2E0%2E7', '10.0.0.7'],
    ])('and %s is fine', async (as, holder, inNameOf = undefined) => {
      expect(await report(as, holder)).toBe('accepted');
      expect(executed[0]).toMatchObject({ data: { holder } });
      expect(executed[0]?.cause.inNameOf).toBe(inNameOf);
    });

    it('and another one’s breakers are not, with how to write an id that names none', async () => {
      expect(await report('web1.internal', 'web1.internal')).toBe(
        'invalid-input: breakers.0.service_name must be web1, as in the subject; an id that names no service is one part there: web1%2Einternal',
      );
      expect(await report('billing.a%2Eb', 'billing.a.b')).toContain('must be billing.a%2Eb');
      expect(await report('billing.a%2Eb', 'billing.a%2Eb')).toContain('holder');
      expect(executed).toEqual([]);
    });
  });

  it('gives an answer that is a rejection as it is: asking again would not change it', async () => {
    const refused = { accepted: false, problem: { code: 'x', message: 'x', kind: 'conflict' } };
    const commands = { execute: async () => refused } as unknown as CommandBus;
    const settlement = await new CommandEntrance(
      [RegisterService],
      commands,
      NOTHING,
      () => 0,
    ).handle(delivery());
    expect(settlement).toEqual({ outcome: 'done', answer: refused });
  });

  it('refuses for the moment whoever waits, and keeps the command of whoever does not', async () => {
    const problem = {
      code: 'overloaded',
      message: 'too much',
      kind: 'unavailable' as const,
      retry_after_seconds: 4,
    };
    const turnedAway: CommandOutcome = { accepted: false, problem };
    const commands = { execute: async () => turnedAway } as unknown as CommandBus;
    entrance = new CommandEntrance([RegisterService], commands, NOTHING, () => 0);
    expect(await entrance.handle(delivery())).toEqual({ outcome: 'done', answer: turnedAway });
    expect(await entrance.handle(delivery({ isAwaited: () => false }))).toEqual({
      outcome: 'retry',
      delayMs: 4_000,
      reason: 'overloaded: too much',
    });
  });

  it('lets a fault through: the bus tries again', async () => {
    const commands = { execute: () => Promise.reject(new Error('no database')) };
    const broken = new CommandEntrance(
      [RegisterService],
      commands as unknown as CommandBus,
      NOTHING,
      () => 0,
    );
    await expect(broken.handle(delivery())).rejects.toThrow('no database');
  });

  it.each<[string, Partial<Delivery>, string]>([
    ['an unknown command', { subject: 'command.registry.DropTables.x' }, 'unknown-command'],
    [
      'a command named like a method',
      { subject: 'command.registry.constructor.x' },
      'unknown-command',
    ],
    ['no object', { body: [1] }, 'the body must be a JSON object'],
    ['nothing', { body: null }, 'the body must be a JSON object'.replace('the body ', '')],
    ['an unknown field', { body: { ...body, colour: 1 } }, 'colour is not a known field'],
    ['a missing field', { body: { ...body, service_type: undefined } }, 'service_type'],
    ['another id', { body: { ...body, service_name: 'x' } }, 'service_name must be billing'],
    ['no id', { subject: 'command.registry.RegisterService' }, 'service_name'],
    ['a prototype', { body: JSON.parse('{"__proto__":1}') as unknown }, '__proto__'],
  ])('sets %s aside, and says where it is wrong', async (_, wrong, reason) => {
    const settlement = await entrance.handle(delivery(wrong));
    expect(settlement).toMatchObject({
      outcome: 'dead-letter',
      reason: expect.stringContaining(reason.replace(/^the body /, '')) as string,
      answer: { accepted: false },
    });
    expect(executed).toEqual([]);
  });
});

describe('a command id that was used before', () => {
  const store = new MemoryEventStore(new MemoryLog(), 'registry');
  /** Remembers as handlers do; refuses what is not of version 1. */
  const commands = {
    execute: async ({ cause, data }: ContextCommand<{ service_version: string }>) => {
      const { commandId: id = '', payloadHash = '', meta } = cause;
      if (!data.service_version.startsWith('1')) return refusedOutcome;
      const command = { id, answer: { first: data.service_version }, payloadHash };
      const stream = `service-${id.length}` as StreamName;
      const appended = await store.append({ stream, expected: 0, events: [], meta, command });
      return accepted(appended.position, appended.answer ?? {}, appended.repeated);
    },
  } as unknown as CommandBus;
  const refusedOutcome = {
    accepted: false,
    problem: { code: 'no', message: 'no', kind: 'not-found' },
  } as const;
  const entrance = new CommandEntrance([RegisterService], commands, store, () => 0);
  const reused = (field: string) => ({
    outcome: 'done',
    answer: {
      accepted: false,
      problem: { code: 'idempotency-key-reused', kind: 'conflict', errors: [{ field }] },
    },
  });
  const inHeader = { headers: { 'Nats-Msg-Id': 'key-1' } };

  beforeAll(() => entrance.handle(delivery()));

  it('gives the first answer to the same body, in whatever order', async () => {
    const turned = Object.fromEntries(Object.entries(body).reverse());
    for (const same of [body, turned, { ...turned, service_name: 'billing' }])
      expect(await entrance.handle(delivery({ body: same }))).toMatchObject({
        answer: { accepted: true, repeated: true, answer: { first: '1.4.0' } },
      });
  });

  it.each([
    ['another value', { ...body, service_version: '1.5.0' }],
    ['one more', { ...body, capabilities: [] }],
    ['one in another order', { ...body, dependencies: ['b', 'a'] }],
    ['one that a rule refuses', { ...body, service_version: '2.0.0' }],
  ])('is refused with %s, naming the header', async (_, other) => {
    expect(await entrance.handle(delivery({ body: other, ...inHeader }))).toMatchObject(
      reused('Nats-Msg-Id'),
    );
    expect(await entrance.handle(delivery({ body: other }))).toMatchObject(reused('command_id'));
  });

  it('says nothing of a refusal, which is not remembered, nor of another command', async () => {
    const other = delivery({ id: 'key-2', body: { ...body, service_version: '2.0.0' } });
    expect(await entrance.handle(other)).toEqual({ outcome: 'done', answer: refusedOutcome });
    expect(await entrance.handle(delivery({ id: 'key-2' }))).toMatchObject({
      answer: { accepted: true, repeated: false },
    });
  });

  it('stays with an answer that was remembered without a hash', async () => {
    const old: Pick<EventStore, 'answerOf'> = {
      answerOf: () => Promise.resolve({ version: 1, position: 1, answer: {}, repeated: true }),
    };
    const answer = { ...outcome, repeated: true };
    const bus = { execute: () => Promise.resolve(answer) } as unknown as CommandBus;
    const upgraded = new CommandEntrance([RegisterService], bus, old, () => 0);
    expect(await upgraded.handle(delivery())).toEqual({ outcome: 'done', answer });
  });
});

describe('the id that the store remembers a command by', () => {
  const subject = 'command.registry.RegisterService.billing';

  it('is the same for the same command, and another for another one with the same key', () => {
    const ids = [subject, subject, `${subject}2`, 'command.registry.UpdateService.billing'].map(
      (one) => commandIdOf({ subject: one, id: 'key' }),
    );
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
  });

  it('fits the store, however long the key is', () => {
    const [one, other] = ['a', 'b'].map((end) =>
      commandIdOf({ subject, id: 'k'.repeat(500) + end }),
    );
    expect(one).not.toBe(other);
    expect(one?.length).toBeLessThanOrEqual(200);
  });
});
