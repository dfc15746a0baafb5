import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { eventually } from '@downbeat/local-servers/testing';
import { deadLetter, done, retry } from '../settlement';
import type { Delivery } from '../message-bus';
import {
  accepted,
  type Behaviour,
  Broken,
  name,
  nameOf,
  refused,
  subscription,
  textOf,
} from './bus-under-test';

/** Ms; quicker than this no bus lets go of what it holds for the order of a key. */
const STANDING_MS = 1_000;

/** What every bus does with messages that are not handled well. */
export const deadLetterBehaviours: Readonly<Record<string, Behaviour>> = {
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
        if (/^slow.-1$/.test(entry) && isBroken) return Promise.resolve(retry('wait', 20));
        order.push(entry);
        return Promise.resolve(done(accepted(order.length)));
      }),
    );
    const attempt = async (number: number): Promise<void> => {
      isBroken = true;
      const [slow, other] = [`slow${number}`, `other${number}`];
      const asked = [1, 2, 3].map((n) => bus.command(nameOf(slow), { n }));
      await bus.command(nameOf(other), { n: 1 });
      await bus.command(nameOf(other), { n: 2 });
      isBroken = false;
      await Promise.all(asked);
      const own = order.filter((entry) => entry.startsWith(slow) || entry.startsWith(other));
      deepEqual(own, [`${other}-1`, `${other}-2`, `${slow}-1`, `${slow}-2`, `${slow}-3`]);
    };
    for (let number = 1; ; number++) {
      const began = Date.now();
      try {
        return await attempt(number);
      } catch (fault) {
        // They are not held for ever: on a machine that stands still the first may come back too late.
        if (number === 3 || Date.now() - began < STANDING_MS) throw fault;
      }
    }
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
};
