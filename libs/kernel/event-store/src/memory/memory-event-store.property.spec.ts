import type { StreamName } from '@downbeat/eventsourcing';
import * as fc from 'fast-check';
import { MemoryEventStore } from './memory-event-store';
import { MemoryLog } from './memory-log';
import { appendOf } from '../testing/sample-appends';

const CONTEXTS = ['registry', 'health', 'saga'] as const;

/** What someone tries: perhaps with a stale version, perhaps a command asked before. */
const attempt = fc.record({
  context: fc.constantFrom(...CONTEXTS),
  stream: fc.integer({ min: 0, max: 2 }),
  events: fc.integer({ min: 0, max: 3 }),
  staleBy: fc.constantFrom(0, 0, 0, 1),
  command: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
});

type Attempt = typeof attempt extends fc.Arbitrary<infer Value> ? Value : never;

async function run(attempts: readonly Attempt[]) {
  let nowMs = 1_000;
  // A clock that also goes back.
  const log = new MemoryLog(() => (nowMs += attempts.length % 7 === 0 ? -5 : 1));
  const stores = new Map(CONTEXTS.map((name) => [name, new MemoryEventStore(log, name)]));
  const versions = new Map<string, number>();
  let accepted = 0;
  for (const { context, stream: n, events, staleBy, command } of attempts) {
    const stream = `${context}-${n}` as StreamName;
    const version = versions.get(stream) ?? 0;
    const numbers = Array.from({ length: events }, (_, index) => index);
    const more = command === undefined ? {} : { command: { id: `${command}`, answer: {} } };
    const appended = await stores
      .get(context)
      ?.append(appendOf(stream, version + staleBy, numbers, more))
      .catch(() => undefined);
    if (!appended || appended.repeated) continue;
    accepted += events;
    versions.set(stream, appended.version);
  }
  return { log, stores, versions, accepted };
}

describe('whatever is tried on a log', () => {
  it('its positions have no gaps, its versions neither, and time never goes back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(attempt, { maxLength: 60 }), async (attempts) => {
        const { log, versions, accepted } = await run(attempts);
        expect(log.events.map(({ position }) => position)).toEqual(
          Array.from({ length: accepted }, (_, index) => index + 1),
        );
        for (const [stream, version] of versions)
          expect(
            log.events.filter((event) => event.stream === stream).map((e) => e.version),
          ).toEqual(Array.from({ length: version }, (_, index) => index + 1));
        const times = log.events.map(({ recorded_at }) => recorded_at);
        expect(times).toEqual([...times].sort());
        const commits = log.events.map(({ commit_no }) => commit_no);
        expect(commits).toEqual([...commits].sort((a, b) => a - b));
      }),
    );
  });

  it('reading it in pieces of any size shows each context its own events, once, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(attempt, { maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        async (attempts, limit) => {
          const { log, stores } = await run(attempts);
          for (const [context, store] of stores) {
            const seen: number[] = [];
            let reached = 0;
            while (reached < log.head) {
              const { events, through } = await store.read(reached, limit);
              expect(through).toBe(Math.min(reached + limit, log.head));
              seen.push(...events.map(({ position }) => position));
              reached = through;
            }
            const own = log.events.filter((event) => event.context === context);
            expect(seen).toEqual(own.map(({ position }) => position));
          }
        },
      ),
    );
  });
});
