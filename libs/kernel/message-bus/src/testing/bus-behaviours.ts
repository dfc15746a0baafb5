import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { Fault } from '@downbeat/eventsourcing';
import type { CommandOutcome } from '../command-outcome';
import type { DeadLetter } from '../dead-letters';
import { BusUnavailable, InvalidSubject, NoAnswer, NoOutcome, StreamMissing } from '../errors';
import type { EventBatch } from '../events';
import type { Delivery, MessageBus, Subscription } from '../message-bus';
import { deadLetter, done, retry } from '../settlement';
import { eventually } from '@downbeat/local-servers/testing';
import type { MemoryDeadLetters } from './memory-dead-letters';

/** A bus to look at, and what any other client of its server could do. */
export interface BusUnderTest {
  readonly bus: MessageBus;
  readonly deadLetters: MemoryDeadLetters;
  /** Publishes a body as it is and waits for whatever is answered. */
  readonly send: (
    subject: string,
    payload: string | Uint8Array,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<CommandOutcome>;
}

type Behaviour = (test: BusUnderTest) => Promise<void>;

class Broken extends Fault {
  override readonly name = 'Broken';
  readonly code = 'test/broken';

  constructor(readonly remedy: 'retry' | 'give-up') {
    super('it is\nbroken');
  }
}

const accepted = (position: number): CommandOutcome => ({
  accepted: true,
  position,
  answer: { at: position },
  repeated: false,
});

const refused: CommandOutcome = {
  accepted: false,
  problem: { code: 'name-taken', message: 'the name is taken', kind: 'conflict' },
};

const subscription = (
  handle: Subscription['handle'],
  more: Partial<Subscription> = {},
): Subscription => ({
  durable: 'registry-commands',
  subject: 'command.registry.>',
  handle,
  ...more,
});

const textOf = (letter: DeadLetter | undefined): string => String(Buffer.from(letter?.body ?? []));

const name = 'command.registry.RegisterService.billing';
const nameOf = (id: string): string => `command.registry.RegisterService.${id}`;

/** What every bus does, whatever carries its messages. Framework-free, so that any runner can run it. */
export const busBehaviours: Readonly<Record<string, Behaviour>> = {
  'gives a command to its handler and the outcome to whoever asked': async ({ bus }) => {
    const deliveries: Delivery[] = [];
    await bus.subscribe(
      subscription((delivery) => {
        deliveries.push(delivery);
        return Promise.resolve(done(accepted(7)));
      }),
    );
    const outcome = await bus.command(
      name,
      { name: 'billing' },
      { id: 'c-1', correlationId: 'k-1', actor: 'ann' },
    );
    deepEqual(outcome, accepted(7));
    const [delivery] = deliveries;
    equal(delivery?.subject, name);
    equal(delivery?.id, 'c-1');
    equal(delivery?.correlationId, 'k-1');
    equal(delivery?.actor, 'ann');
    equal(delivery?.deliveries, 1);
    deepEqual(delivery?.body, { name: 'billing' });
  },

  'passes a refusal on as an answer, not as an error': async ({ bus, deadLetters }) => {
    await bus.subscribe(subscription(() => Promise.resolve(done(refused))));
    deepEqual(await bus.command(name, {}), refused);
    deepEqual(deadLetters.letters, []);
  },

  'sends nothing once it is closed': async ({ bus }) => {
    await bus.subscribe(subscription(() => Promise.resolve(done())));
    equal(bus.status(), 'connected');
    await bus.close();
    equal(bus.status(), 'closed');
    await rejects(bus.command(name, {}), BusUnavailable);
    await rejects(bus.query('query.registry.list-services', {}), BusUnavailable);
  },

  'says that there was no outcome in time': async ({ bus }) => {
    await bus.subscribe(
      subscription(() => new Promise(() => undefined), { handlerTimeoutMs: 500 }),
    );
    await rejects(bus.command(name, {}, { timeoutMs: 100, id: 'late' }), NoOutcome);
    equal(bus.metrics.commandsWithoutOutcome, 1);
  },

  'refuses subjects that would reach other messages': async ({ bus }) => {
    for (const subject of ['command.registry.*.x', 'command.registry.>', 'command..x', 'a b', ''])
      await rejects(async () => bus.command(subject, {}), InvalidSubject, subject);
  },

  'takes command_id out of the body as the id, when no header says another': async (test) => {
    const deliveries: Delivery[] = [];
    await test.bus.subscribe(
      subscription((delivery) => {
        deliveries.push(delivery);
        return Promise.resolve(done());
      }),
    );
    await test.send(name, '{"command_id":"from-body","x":1}');
    await test.send(name, '{"command_id":"from-body","x":1}', { 'Nats-Msg-Id': 'from-header' });
    await test.send(name, '{"x":1}');
    deepEqual(
      deliveries.slice(0, 2).map(({ id, body }) => ({ id, body })),
      [
        { id: 'from-body', body: { x: 1 } },
        { id: 'from-header', body: { x: 1 } },
      ],
    );
    match(deliveries[2]?.id ?? '', /:\d+$/);
  },

  'takes the id of a command on another subject for another command': async ({ bus }) => {
    const deliveries: Delivery[] = [];
    await bus.subscribe(
      subscription((delivery) => {
        deliveries.push(delivery);
        return Promise.resolve(done(accepted(deliveries.length)));
      }),
    );
    const subjects = [nameOf('a'), nameOf('b'), 'command.registry.RetireService.a'];
    const outcomes: CommandOutcome[] = [];
    for (const subject of subjects)
      outcomes.push(await bus.command(subject, {}, { id: 'my key', timeoutMs: 2_000 }));
    deepEqual(outcomes, [accepted(1), accepted(2), accepted(3)]);
    deepEqual(
      deliveries.map(({ id, subject, correlationId }) => [id, subject, correlationId]),
      subjects.map((subject) => ['my key', subject, 'my key']),
    );
  },

  'dead-letters what is no JSON at once, and says so': async (test) => {
    let handled = 0;
    await test.bus.subscribe(subscription(() => Promise.resolve(done(accepted(++handled)))));
    const outcome = await test.send(name, '{"name": billing}');
    ok(!outcome.accepted);
    equal(outcome.problem.code, 'malformed-body');
    equal(outcome.problem.kind, 'invalid');
    equal(handled, 0);
    const [letter] = test.deadLetters.letters;
    match(letter?.reason ?? '', /^body is not JSON: /);
    equal(textOf(letter), '{"name": billing}');
    equal(letter?.subject, name);
    equal(letter?.consumer, 'registry-commands');
    match(
      letter?.id ?? '',
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  },

  'tries again what failed for the moment, as the same message': async ({ bus, deadLetters }) => {
    const seen: [string, number][] = [];
    await bus.subscribe(
      subscription(({ id, deliveries }) => {
        seen.push([id, deliveries]);
        if (deliveries === 1) return Promise.resolve(retry('not yet', 5));
        if (deliveries === 2) throw new Error('surprise');
        if (deliveries === 3) throw new Broken('retry');
        return Promise.resolve(done(accepted(1)));
      }),
    );
    deepEqual(await bus.command(name, {}, { id: 'c' }), accepted(1));
    deepEqual(seen, [
      ['c', 1],
      ['c', 2],
      ['c', 3],
      ['c', 4],
    ]);
    equal(bus.metrics.retried, 3);
    deepEqual(deadLetters.letters, []);
  },

  'gives up after the deliveries allowed, with the last reason on one line': async (test) => {
    await test.bus.subscribe(
      subscription(() => Promise.resolve(retry('the\r\ndatabase is away')), { deliveriesMax: 3 }),
    );
    const outcome = await test.bus.command(name, { x: 1 }, { id: 'poor', correlationId: 'k' });
    ok(!outcome.accepted);
    equal(outcome.problem.code, 'message-bus/dead-lettered');
    const [letter] = test.deadLetters.letters;
    equal(letter?.reason, 'gave up after 3 deliveries: the database is away');
    equal(letter?.attempts, 3);
    equal(letter?.message_id, 'poor');
    equal(letter?.correlation_id, 'k');
    equal(textOf(letter), '{"x":1}');
  },

  'believes a fault that says give-up, and a handler that says dead-letter': async (test) => {
    await test.bus.subscribe(
      subscription(({ subject }) => {
        if (subject.endsWith('.thrown')) throw new Broken('give-up');
        return Promise.resolve(deadLetter('name: must not be empty', refused));
      }),
    );
    const thrown = await test.bus.command(nameOf('thrown'), {});
    ok(!thrown.accepted && thrown.problem.kind === 'internal');
    ok(!JSON.stringify(thrown).includes('broken'));
    deepEqual(await test.bus.command(nameOf('said'), {}), refused);
    deepEqual(
      test.deadLetters.letters.map(({ reason, attempts }) => [reason, attempts]),
      [
        ['Broken: it is broken', 1],
        ['name: must not be empty', 1],
      ],
    );
  },

  'refuses a message with a header that cannot be, by its name': async (test) => {
    let handled = 0;
    await test.bus.subscribe(
      subscription(() => {
        handled++;
        return Promise.resolve(done(accepted(1)));
      }),
    );
    const wrong = [
      ['Nats-Msg-Id', 'x'.repeat(201)],
      ['Downbeat-Reply-To', 'command.saga.StartWorkflow.x'],
      ['Downbeat-Actor', 'a\tb'],
    ] as const;
    for (const [field, value] of wrong) {
      const outcome = await test.send(name, '{}', { [field]: value });
      ok(!outcome.accepted);
      equal(outcome.problem.kind, 'invalid');
      deepEqual(
        outcome.problem.errors?.map((error) => error.field),
        [field],
      );
    }
    equal(handled, 0);
    deepEqual(
      test.deadLetters.letters.map(({ reason }) => reason.split(' ')[1]),
      wrong.map(([field]) => field),
    );
  },

  'keeps a message that cannot be quarantined': async ({ bus, deadLetters }) => {
    const quarantine = deadLetters.quarantine.bind(deadLetters);
    let failures = 0;
    deadLetters.quarantine = (letter) =>
      failures++ < 2 ? Promise.reject(new Error('no database')) : quarantine(letter);
    await bus.subscribe(subscription(() => Promise.resolve(deadLetter('bad'))));
    await bus.command(name, {});
    equal(bus.metrics.quarantineFailures, 2);
    deepEqual(
      deadLetters.letters.map(({ attempts }) => attempts),
      [3],
    );
  },

  'goes on after a settlement that failed': async ({ bus, deadLetters }) => {
    deadLetters.resolve = () => Promise.reject(new Error('no database'));
    await bus.subscribe(subscription(() => Promise.resolve(done(accepted(1)))));
    await bus.redrive(
      {
        id: '0198c2a4-7d1e-7c3b-9a52-3f1f0a9f3c11',
        subject: name,
        consumer: 'registry-commands',
        message_id: 'm',
        reason: 'r',
        attempts: 1,
        headers: {},
        body: Buffer.from('{}'),
        correlation_id: 'k',
      },
      1,
    );
    await eventually(() => ok(bus.metrics.settleFailures >= 2));
    deepEqual(await bus.command(name, {}), accepted(1));
  },

  'holds later messages of a key behind one that is tried again, and no others': async ({
    bus,
  }) => {
    const order: string[] = [];
    let isBroken = true;
    await bus.subscribe(
      subscription(({ subject, body }) => {
        const entry = `${subject.split('.').at(-1)}-${(body as { n: number }).n}`;
        if (entry === 'slow-1' && isBroken) return Promise.resolve(retry('wait', 20));
        order.push(entry);
        return Promise.resolve(done(accepted(order.length)));
      }),
    );
    const slow = [1, 2, 3].map((n) => bus.command(nameOf('slow'), { n }));
    await bus.command(nameOf('other'), { n: 1 });
    await bus.command(nameOf('other'), { n: 2 });
    isBroken = false;
    await Promise.all(slow);
    deepEqual(order, ['other-1', 'other-2', 'slow-1', 'slow-2', 'slow-3']);
  },

  'runs messages of one key one after another, of different keys beside each other': async ({
    bus,
  }) => {
    const running = new Map<string, number>();
    let most = 0;
    const open: (() => void)[] = [];
    await bus.subscribe(
      subscription(
        async ({ subject }) => {
          running.set(subject, (running.get(subject) ?? 0) + 1);
          most = Math.max(most, running.get(subject) ?? 0);
          await new Promise<void>((resolve) => open.push(resolve));
          running.set(subject, (running.get(subject) ?? 0) - 1);
          return done(accepted(1));
        },
        { orderKey: ({ subject }) => subject },
      ),
    );
    const asked = ['a', 'a', 'b', 'c'].map((id) => bus.command(nameOf(id), {}));
    await eventually(() => equal(open.length, 3));
    equal(most, 1);
    const letGo = setInterval(() => open.splice(0).forEach((go) => go()), 5);
    try {
      await Promise.all(asked);
    } finally {
      clearInterval(letGo);
    }
    equal(most, 1);
  },

  'does not wait for ever for a handler that hangs, nor lets others wait': async ({ bus }) => {
    let calls = 0;
    await bus.subscribe(
      subscription(
        ({ subject }) => {
          if (subject.endsWith('.hangs') && ++calls === 1) return new Promise(() => undefined);
          return Promise.resolve(done(accepted(2)));
        },
        { handlerTimeoutMs: 300 },
      ),
    );
    const hanging = bus.command(nameOf('hangs'), {});
    deepEqual(await bus.command(nameOf('other'), {}), accepted(2));
    deepEqual(await hanging, accepted(2));
    equal(bus.metrics.handlerTimeouts, 1);
  },

  'redrives a dead letter to its own consumer, as the message it was': async (test) => {
    const seen: Delivery[] = [];
    let isFixed = false;
    await test.bus.subscribe(
      subscription((delivery) => {
        seen.push(delivery);
        return Promise.resolve(isFixed ? done(accepted(1)) : deadLetter('bug'));
      }),
    );
    await test.bus.command(name, { x: 1 }, { id: 'm-1', correlationId: 'k-1', actor: 'ann' });
    const [letter] = test.deadLetters.letters;
    ok(letter);

    await test.bus.redrive(letter, 1);
    await test.bus.redrive(letter, 1);
    await eventually(() => equal(test.deadLetters.letters[0]?.attempts, 2));
    equal(test.deadLetters.letters.length, 1);
    deepEqual(test.deadLetters.resolved, []);

    isFixed = true;
    await test.bus.redrive(letter, 2);
    await eventually(() => deepEqual(test.deadLetters.resolved, [letter.id]));
    deepEqual(
      seen.map(({ id, subject, body, correlationId, actor }) => [
        id,
        subject,
        body,
        correlationId,
        actor,
      ]),
      Array(3).fill(['m-1', name, { x: 1 }, 'k-1', 'ann']),
    );
  },

  'keeps what is not UTF-8 byte for byte, and sends it again so': async (test) => {
    await test.bus.subscribe(subscription(() => Promise.resolve(done())));
    const bytes = Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x00, 0x22, 0x3a, 0x31, 0x7d]);
    const outcome = await test.send(name, bytes);
    ok(!outcome.accepted && outcome.problem.code === 'malformed-body');
    const [letter] = test.deadLetters.letters;
    ok(letter);
    equal(letter.reason, 'body is not UTF-8');
    deepEqual(Buffer.from(letter.body), bytes);

    await test.bus.redrive(letter, 1);
    await eventually(() => equal(test.deadLetters.letters[0]?.attempts, 2));
    deepEqual(Buffer.from(test.deadLetters.letters[0]?.body ?? []), bytes);
  },

  'reads a body that begins with a byte order mark, and keeps the mark': async (test) => {
    const bodies: unknown[] = [];
    await test.bus.subscribe(
      subscription(({ body }) => {
        bodies.push(body);
        return Promise.resolve(deadLetter('no'));
      }),
    );
    const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"x":1}')]);
    await test.send(name, marked);
    deepEqual(bodies, [{ x: 1 }]);
    deepEqual(Buffer.from(test.deadLetters.letters[0]?.body ?? []), marked);
  },

  'answers queries': async ({ bus }) => {
    bus.answer('query.registry.list-services', (payload) =>
      Promise.resolve({ ok: true, position: 3, data: payload }),
    );
    deepEqual(await bus.query('query.registry.list-services', { a: 1 }), {
      ok: true,
      position: 3,
      data: { a: 1 },
    });
  },

  'tells the asker of a failed query nothing but that it failed': async ({ bus }) => {
    bus.answer('query.registry.fails', () => Promise.reject(new Error('password=secret')));
    bus.answer('query.registry.busy', () => Promise.reject(new Broken('retry')));
    const failed = await bus.query('query.registry.fails', {});
    ok(!failed.ok && failed.problem.kind === 'internal' && failed.problem.code === 'internal');
    ok(!JSON.stringify(failed).includes('secret'));
    const busy = await bus.query('query.registry.busy', {});
    ok(!busy.ok && busy.problem.kind === 'unavailable' && busy.problem.code === 'test/broken');
  },

  'says when nobody answers a query, or not in time': async ({ bus }) => {
    await rejects(
      bus.query('query.registry.unknown', {}),
      (fault) => fault instanceof NoAnswer && fault.why === 'nobody-answers',
    );
    bus.answer('query.registry.slow', () => new Promise(() => undefined));
    await rejects(
      bus.query('query.registry.slow', {}, { timeoutMs: 50 }),
      (fault) => fault instanceof NoAnswer && fault.why === 'timed-out',
    );
  },

  'carries hints to those who listen now': async ({ bus }) => {
    const heard: unknown[] = [];
    const forget = bus.onHint('hint.log.*', (payload, subject) => heard.push([subject, payload]));
    bus.hint('hint.log.main', { position: 4 });
    await eventually(() => deepEqual(heard, [['hint.log.main', { position: 4 }]]));
    forget();
    const other: unknown[] = [];
    bus.onHint('hint.log.main', (payload) => other.push(payload));
    bus.hint('hint.log.main', { position: 5 });
    await eventually(() => equal(other.length, 1));
    equal(heard.length, 1);
  },

  'keeps evidence by its subject, oldest first': async ({ bus }) => {
    const subject = 'evidence.audit.ChainHead.log';
    const bodies = async (): Promise<unknown[]> => {
      const pages: unknown[] = [];
      for await (const page of bus.evidence(subject)) pages.push(...page.map(({ body }) => body));
      return pages;
    };
    deepEqual([await bus.newestEvidence(subject), await bodies()], [undefined, []]);
    await bus.keepEvidence({ subject, messageId: 'a', body: { n: 1 } });
    await bus.keepEvidence({ subject: `${subject}2`, messageId: 'b', body: { n: 2 } });
    await bus.keepEvidence({ subject, messageId: 'c', body: { n: 3 } });
    deepEqual((await bus.newestEvidence(subject))?.body, { n: 3 });
    deepEqual(await bodies(), [{ n: 1 }, { n: 3 }]);
  },

  'publishes events in order and hands them on in batches until they are applied': async ({
    bus,
  }) => {
    const event = (n: number) => ({
      subject: `event.registry.ServiceAvailable.s${n}`,
      messageId: `registry:${n}`,
      headers: { 'ce-id': String(n) },
      body: { n },
    });
    await rejects(bus.publishEvents([event(1)]), StreamMissing);
    equal(await bus.eventStreamState('registry'), undefined);
    const empty = await bus.ensureEventStream('registry');
    deepEqual([empty.firstSequence, empty.lastSequence], [0, 0]);

    const applied: number[] = [];
    const refusedOnce = new Set<number>();
    const batches: EventBatch[] = [];
    await bus.consumeEvents({
      source: 'registry',
      durable: 'saga-services',
      batchMax: 10,
      handle: (batch) => {
        const [first] = batch.events;
        if (first && !refusedOnce.has(first.sequence)) {
          refusedOnce.add(first.sequence);
          throw new Error('not now');
        }
        batches.push(batch);
        applied.push(...batch.events.map(({ body }) => (body as { n: number }).n));
        return Promise.resolve();
      },
    });
    const numbers = Array.from({ length: 25 }, (_, at) => at + 1);
    deepEqual(await bus.publishEvents(numbers.map(event)), { lastSequence: 25, duplicates: 0 });
    deepEqual(await bus.publishEvents([event(25)]), { lastSequence: 25, duplicates: 1 });
    await eventually(() => deepEqual(applied, numbers));
    ok(batches.every(({ events }) => events.length <= 10));
    ok(batches.every(({ streamIsNew }) => !streamIsNew));
    equal(batches[0]?.events[0]?.headers['ce-id'], '1');
    equal(batches[0]?.events[0]?.messageId, 'registry:1');
    const state = await bus.eventStreamState('registry');
    equal(state?.created, empty.created);
    equal(state?.lastSequence, 25);
    deepEqual(await bus.ensureEventStream('registry'), state);
  },
};
