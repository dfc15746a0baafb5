import type { EventStore } from '@downbeat/event-store';
import { ReadModelBehind, type ReadAs, type ReadModels } from '@downbeat/projections';
import type { HostSettings } from '@downbeat/service-host';
import type { LiveDirectory } from '../directory/live-directory';
import { AbandonedVersions } from './abandoned-versions';

const HEAD = 42;
const described = { described: '2.0.0', described_for_ms: 60_000, listed: ['1.4.0'] };

/** @param remembered The versions of the instances that the memory of this replica lists. */
function abandonedVersions(...remembered: readonly string[]) {
  const asked: ReadAs[] = [];
  const play = { heads: 0, rows: [described] as readonly object[], isBehind: false };
  const store = { head: () => Promise.resolve((play.heads++, HEAD)) };
  const readModels = {
    ask: async (_: unknown, as: ReadAs, ask: (manager: object) => Promise<unknown>) => {
      asked.push(as);
      if (play.isBehind) throw new ReadModelBehind('registry.services', HEAD, 1);
      return { position: HEAD, data: await ask({ query: () => Promise.resolve(play.rows) }) };
    },
  };
  const directory = { versionsOf: () => new Set(remembered) };
  const abandoned = new AbandonedVersions(
    store as unknown as EventStore,
    readModels as unknown as ReadModels,
    directory as unknown as LiveDirectory,
    { environment: {} } as HostSettings,
  );
  return { abandoned, asked, play };
}

it('asks for what holds at the end of the log, and waits for it for a moment only', async () => {
  const { abandoned, asked } = abandonedVersions('1.4.0');
  expect(await abandoned.of('billing', '1.4.0')).toBe('2.0.0');
  expect(asked).toEqual([{ min_position: HEAD, waitMs: 500 }]);
});

it('asks nobody while it remembers an instance that is newer than who speaks', async () => {
  const { abandoned, asked, play } = abandonedVersions('1.4.0', '1.4.1');
  expect(await abandoned.of('billing', '1.4.0')).toBeUndefined();
  expect([asked, play.heads]).toEqual([[], 0]);
});

it('leaves the service as it is when that cannot be known, and when there is none', async () => {
  const { abandoned, play } = abandonedVersions();
  play.isBehind = true;
  expect(await abandoned.of('billing', '1.4.0')).toBeUndefined();
  [play.isBehind, play.rows] = [false, []];
  expect(await abandoned.of('billing', '1.4.0')).toBeUndefined();
});
