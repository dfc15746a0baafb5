import { MessageRefused, topic } from '@downbeat/sdk';
import { eventually } from '@downbeat/test-bench';
import { connect, Events, type NatsConnection } from 'nats';
import { z } from 'zod';
import { MessageBench, PATIENT } from './support/message-bench';
import { NatsWithRights } from './support/nats-with-rights';

const placed = topic('order-placed', z.object({ number: z.number() }));
const notice = topic('notice', z.object({ text: z.string() }));

describe('the rights on NATS', () => {
  let nats: NatsWithRights;
  let bench: MessageBench;
  beforeAll(async () => {
    nats = await NatsWithRights.start(
      ['crew', '--subscribes', 'order-placed,notice'],
      ['shop', '--publishes', 'order-placed,notice'],
    );
    bench = await MessageBench.start(nats);
  });
  afterAll(() => bench.stop());

  it.each([
    ['the user of all services', () => ['service', 'service'] as const],
    ['users of their own', () => ['service-shop', 'service-crew'] as const],
  ])('let services send and handle messages, dead letters too: %s', async (_, users) => {
    const [shopUser, crewUser] = users();
    const shop = bench.service('shop', { natsUrl: nats.urlOf(shopUser) });
    const crew = bench.service('crew', { natsUrl: nats.urlOf(crewUser) });
    const handled: string[] = [];
    let isFixed = false;
    crew.subscribe(placed, ({ number }, { isRedriven }) => {
      if (number === 2 && !isFixed) throw new MessageRefused('not now');
      handled.push(`${number} ${isRedriven}`);
    });
    crew.onBroadcast(notice, ({ text }) => void handled.push(text));
    await bench.started(crew, 'crew');
    await shop.start();
    const lettersBefore = await bench.letters('crew');
    for (const priority of ['critical', 'high', 'normal', 'low'] as const)
      await shop.publish(placed, { number: 1 }, { ...PATIENT, priority });
    await shop.publish(placed, { number: 2 }, PATIENT);
    const told = { from: 'till', message: { number: 3 }, message_id: users()[0] };
    for (const priority of ['critical', 'high', 'normal', 'low'])
      await bench.command('PublishMessage', 'order-placed', { ...told, priority });
    shop.broadcast(notice, { text: 'hear' });
    const [letter] = await eventually(
      () => bench.letters('crew'),
      (letters) => expect(letters).toHaveLength(lettersBefore.length + 1),
    );
    isFixed = true;
    await bench.command('RedriveDeadLetter', letter?.id ?? '');
    // A subscription begins a little before it is made: what the one before got may come again.
    await eventually(
      () => new Set(handled),
      (some) => expect(some).toEqual(new Set(['1 false', '2 true', '3 false', 'hear'])),
    );
    expect(handled.filter((one) => one === '1 false').length).toBeGreaterThanOrEqual(4);
    await eventually(
      () => bench.letters('crew'),
      ([one]) => expect(one).toMatchObject({ status: 'redriven' }),
    );
    await bench.command('UnsubscribeService', 'crew', { topics: ['order-placed'], reason: 'x' });
    await Promise.all([shop.stop(), crew.stop()]);
    expect(nats.violations).toEqual([]);
  });

  it('let services share a queue, send later and for a time, and the suite see all of it', async () => {
    await bench.command('CreateQueue', 'order-placed', {
      queue_type: 'queue',
      consumer_services: ['crew'],
      retention_hours: 24,
    });
    const shop = bench.service('shop', { natsUrl: nats.urlOf('service-shop') });
    const crew = bench.service('crew', { natsUrl: nats.urlOf('service-crew') });
    const handled: number[] = [];
    crew.subscribe(placed, ({ number }) => void handled.push(number));
    await bench.started(crew, 'crew');
    await shop.start();
    await shop.publish(placed, { number: 71 }, { delayMs: 300, timeoutMs: 30_000 });
    await eventually(
      () => handled,
      (all) => expect(all).toContain(71),
      30_000,
    );
    await crew.stop();
    await shop.publish(placed, { number: 72 }, { ttlMs: 200, timeoutMs: 30_000 });
    await eventually(
      async () => (await bench.query('list-queues', { queue_name: 'order-placed' })).data,
      (data) => expect(data).toMatchObject({ queues: [{ expired_count: 1 }] }),
      30_000,
    );
    const streams = await bench.query('list-queues', { kind: 'suite' });
    expect(JSON.stringify(streams.data)).toContain('message-settled');
    await bench.command('RemoveQueue', 'order-placed', { reason: 'the test is over' });
    await shop.stop();
    expect(nats.violations).toEqual([]);
  });

  it('are told to a service whose user lacks one, topic by topic', async () => {
    const [unheard, unsaid] = ['unheard', 'unsaid'].map((name) => topic(name, placed.schema));
    if (!unheard || !unsaid) throw new Error('no topics');
    const crew = bench.service('crew', { natsUrl: nats.urlOf('service-crew') });
    const handled: number[] = [];
    crew.subscribe(placed, ({ number }) => void handled.push(number));
    crew.subscribe(unheard, () => undefined);
    crew.onBroadcast(unsaid, () => undefined);
    await bench.started(crew, 'crew');
    const publishing = crew.publish(unsaid, { number: 1 }, { timeoutMs: 20_000 });
    const begun = performance.now();
    await expect(publishing).rejects.toMatchObject({
      outcome: 'not-sent',
      message: expect.stringContaining('message.normal.unsaid') as string,
    });
    expect(performance.now() - begun).toBeLessThan(15_000);
    crew.broadcast(unsaid, { number: 1 });
    await eventually(
      () => bench.eventsOf('crew', 'nats-refused').map(({ to, topic: of }) => `${to} ${of}`),
      (told) =>
        expect(told.toSorted()).toEqual([
          'publish unsaid',
          'subscribe unheard',
          'subscribe unsaid',
        ]),
    );
    const shop = bench.service('shop', { natsUrl: nats.urlOf('service-shop') });
    await shop.start();
    await shop.publish(placed, { number: 7 }, PATIENT);
    await eventually(
      () => handled,
      (all) => expect(all).toContain(7),
    );
    await Promise.all([shop.stop(), crew.stop()]);
  });

  it.each([
    ['registry', ['event.registry', 'event.health', 'retry']],
    ['health', ['event.health', 'event.registry', 'retry']],
    ['saga', ['event.saga', 'retry']],
    ['orchestrator', ['message', 'evidence.audit', 'retry']],
  ])('let %s ask whether the streams that it makes have their files', async (user, leads) => {
    const probe = (lead: string, of = lead): string =>
      `$JS.API.CONSUMER.CREATE.${of.replace('.', '-')}.suite_probe.${lead}.probe.none`;
    const another = probe('command', 'retry');
    expect(await firstRefused(user, [...leads.map((lead) => probe(lead)), another])).toBe(another);
  });

  it.each([
    ['registry', 'event-registry', 'event-health'],
    ['health', 'event-health', 'event-registry'],
  ])('let %s make the streams that it reads, and change its own alone', async (user, own, read) => {
    const subjects = [
      `$JS.API.STREAM.CREATE.${read}`,
      `$JS.API.STREAM.UPDATE.${own}`,
      `$JS.API.STREAM.UPDATE.${read}`,
    ];
    expect(await firstRefused(user, subjects)).toBe(subjects.at(-1));
  });

  /** The server reads them in this order; what it takes has no body to do anything. */
  async function firstRefused(user: string, subjects: readonly string[]): Promise<unknown> {
    const { host, username, password } = new URL(nats.urlOf(user));
    const app = await connect({ servers: host, user: username, pass: password });
    const refused = new Promise<unknown>((resolve, reject) => {
      const watch = async (): Promise<void> => {
        for await (const { type, permissionContext } of app.status())
          if (type === Events.Error) resolve(permissionContext?.subject);
      };
      watch().catch(reject);
    });
    // None is allowed to anybody, so that one is refused in any case.
    for (const subject of [...subjects, 'nobody.may']) app.publish(subject, '{}');
    const first = await refused;
    await app.close();
    return first;
  }

  describe('let a service not', () => {
    let service: NatsConnection;
    const refusals: string[] = [];
    beforeAll(async () => {
      const { host, username, password } = new URL(nats.urlOf('service'));
      service = await connect({ servers: host, user: username, pass: password });
      void (async () => {
        for await (const { type, permissionContext } of service.status())
          if (type === Events.Error) refusals.push(String(permissionContext?.subject));
      })();
    });
    afterAll(() => service.close());

    it.each([
      // A dead letter of another service, as if an operator had sent it again.
      'message.redriven.crew.low.order-placed',
      'message.urgent.order.placed',
      // A consumer delivers wherever it is told to: to a command's subject, for instance.
      '$JS.API.CONSUMER.CREATE.message.crew_x_low.message.low.x',
      '$JS.API.CONSUMER.DURABLE.CREATE.message.crew_x_low',
      '$JS.API.CONSUMER.DELETE.message.crew_order-placed_low',
      '$JS.API.CONSUMER.LIST.message',
      '$JS.API.STREAM.CREATE.message',
      '$JS.API.STREAM.DELETE.message',
      '$JS.API.STREAM.PURGE.message',
      '$JS.API.STREAM.MSG.GET.message',
      '$JS.API.STREAM.MSG.DELETE.message',
      '$JS.API.CONSUMER.MSG.NEXT.command-registry.registry-commands',
      '$JS.API.CONSUMER.MSG.NEXT.retry.registry-commands-retry',
      '$JS.ACK.command-registry.registry-commands.1.1.1.1.0',
      'command.messaging.RedriveDeadLetter.x',
      'command.messaging.DiscardDeadLetter.x',
      'command.messaging.UnsubscribeService.crew',
      'query.messaging.list-dead-letters',
      'retry.crew.message.low.order-placed',
    ])('publish on %s', async (subject) => {
      service.publish(subject, '{}');
      await service.flush();
      await eventually(
        () => refusals,
        (all) => expect(all).toContain(subject),
      );
    });

    it.each([
      '$JS.API.STREAM.DELETE.message',
      'command.messaging.UnsubscribeService.crew',
      '_INBOX.registry.ack.1',
      'query.messaging.list-dead-letters',
    ])('publish on %s by planting it as the address of an answer', async (subject) => {
      refusals.length = 0;
      const heard = new Promise<void>((resolve) => {
        service.subscribe('hint.breakers.shop', { max: 1, callback: () => resolve() });
      });
      service.publish('hint.breakers.shop', '{}', { reply: subject });
      await heard;
      service.publish(subject, '{}');
      await eventually(
        () => refusals,
        (all) => expect(all).toContain(subject),
      );
    });

    it.each(['message.>', 'message.low.order-placed', '$JS.>', 'command.>'])(
      'listen on %s',
      async (subject) => {
        service.subscribe(subject, { callback: () => undefined });
        await eventually(
          () => refusals,
          (all) => expect(all).toContain(subject),
        );
      },
    );
  });
});
