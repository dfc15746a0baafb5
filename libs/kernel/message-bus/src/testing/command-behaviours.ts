import { deepEqual, equal, match, rejects } from 'node:assert/strict';
import { BusUnavailable, InvalidSubject, NoOutcome } from '../errors';
import { done } from '../settlement';
import type { CommandOutcome } from '../command-outcome';
import type { Delivery } from '../message-bus';
import { accepted, type Behaviour, name, nameOf, refused, subscription } from './bus-under-test';

/** What every bus does with commands. */
export const commandBehaviours: Readonly<Record<string, Behaviour>> = {
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
    for (const subject of subjects) outcomes.push(await bus.command(subject, {}, { id: 'my key' }));
    deepEqual(outcomes, [accepted(1), accepted(2), accepted(3)]);
    deepEqual(
      deliveries.map(({ id, subject, correlationId }) => [id, subject, correlationId]),
      subjects.map((subject) => ['my key', subject, 'my key']),
    );
  },
};
