import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { eventually } from '@downbeat/local-servers/testing';
import { NoAnswer, StreamMissing } from '../errors';
import type { EventBatch } from '../events';
import { type Behaviour, Broken } from './bus-under-test';

/** What every bus does with questions, hints, evidence and events. */
export const queryBehaviours: Readonly<Record<string, Behaviour>> = {
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

  'answers queries whose subject goes on, and says what it was': async ({ bus }) => {
    bus.answer('query.registry.asked-for.*', (_, __, subject) =>
      Promise.resolve({ ok: true, position: 3, data: { subject } }),
    );
    deepEqual(await bus.query('query.registry.asked-for.billing', {}), {
      ok: true,
      position: 3,
      data: { subject: 'query.registry.asked-for.billing' },
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
