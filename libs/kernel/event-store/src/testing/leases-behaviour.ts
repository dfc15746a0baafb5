/// <reference types="jest" />
import type { StreamName } from '@downbeat/eventsourcing';
import type { EventStore } from '../event-store';
import type { Leases } from '../leases/leases';
import { uuidV7 } from '../append/uuid-v7';
import { appendOf, command, freshStream, type StoreUnderTest } from './sample-appends';
import { eventually } from '@downbeat/local-servers/testing';

const LONG_MS = 60_000;
const SHORT_MS = 20;

/** The promises of leases, and of the epoch every append is checked against. */
export function describeLeases(log: () => StoreUnderTest): void {
  describe('leases', () => {
    let store: EventStore;
    let leases: Leases;
    beforeAll(() => {
      store = log().store('registry');
      leases = log().leases('registry');
    });

    const anOwner = () => `owner-${uuidV7()}`;
    const use = (kind: 'acquire' | 'hold' | 'release', owner: string, epoch = 1) => ({
      lease: { use: kind, owner, epoch },
    });
    const acquired = async (owner: string): Promise<StreamName> => {
      const stream = freshStream('run');
      await store.append(appendOf(stream, 0, [1], use('acquire', owner)));
      return stream;
    };
    /** Every stream of this log whose owner is gone, taken by `owner`. */
    const takeAll = async (owner: string) => {
      const taken = new Map<StreamName, number>();
      for (;;) {
        const some = await leases.takeOver(owner, 100);
        if (some.length === 0) return taken;
        for (const { stream, epoch } of some) taken.set(stream, epoch);
      }
    };

    it('acquires, holds and releases a stream with the appends', async () => {
      const owner = anOwner();
      await leases.renew(owner, LONG_MS);
      const stream = await acquired(owner);
      expect(await leases.held(owner)).toEqual([{ stream, epoch: 1 }]);
      await store.append(appendOf(stream, 1, [2], use('hold', owner)));
      await store.append(appendOf(stream, 2, [3], use('release', owner)));
      expect(await leases.held(owner)).toEqual([]);
      await store.append(appendOf(stream, 3, [4], use('acquire', anOwner())));
    });

    it('says who holds a stream', async () => {
      const [owner, heir] = [anOwner(), anOwner()];
      const stream = await acquired(owner);
      expect(await leases.holder(stream)).toBe(owner);
      expect(await log().leases('health').holder(stream)).toBeUndefined();
      await takeAll(heir);
      expect(await leases.holder(stream)).toBe(heir);
      await store.append(appendOf(stream, 1, [2], use('release', heir, 2)));
      expect(await leases.holder(stream)).toBeUndefined();
    });

    it.each([
      ['another owner', (_: string) => use('hold', 'somebody-else')],
      ['an older epoch', (owner: string) => use('hold', owner, 0)],
      ['a newer epoch', (owner: string) => use('hold', owner, 2)],
      ['a release by another owner', (_: string) => use('release', 'somebody-else')],
      ['a second acquisition', (owner: string) => use('acquire', owner)],
    ])('refuses %s', async (_, wrong) => {
      const owner = anOwner();
      await leases.renew(owner, LONG_MS);
      const stream = await acquired(owner);
      await expect(store.append(appendOf(stream, 1, [2], wrong(owner)))).rejects.toMatchObject({
        code: 'event-store/lease-lost',
        stream,
      });
      expect(await store.load(stream)).toHaveLength(1);
      expect(await leases.held(owner)).toEqual([{ stream, epoch: 1 }]);
    });

    it('refuses to hold what nobody holds', async () => {
      const append = appendOf(freshStream(), 0, [1], use('hold', anOwner()));
      await expect(store.append(append)).rejects.toMatchObject({ code: 'event-store/lease-lost' });
    });

    it('does not acquire when the version is wrong', async () => {
      const [owner, stream] = [anOwner(), freshStream()];
      await expect(
        store.append(appendOf(stream, 3, [4], use('acquire', owner))),
      ).rejects.toMatchObject({ code: 'event-store/stream-version-conflict' });
      expect(await leases.held(owner)).toEqual([]);
    });

    it('leaves the streams of a living owner alone', async () => {
      const owner = anOwner();
      await leases.renew(owner, LONG_MS);
      const stream = await acquired(owner);
      expect((await takeAll(anOwner())).has(stream)).toBe(false);
      expect(await leases.renew(owner, LONG_MS)).toBe(true);
    });

    it('hands the streams of a dead owner over, and fences it off', async () => {
      const [dead, heir] = [anOwner(), anOwner()];
      await leases.renew(heir, LONG_MS);
      await leases.renew(dead, SHORT_MS);
      const streams = [await acquired(dead), await acquired(dead), await acquired(dead)];
      const taken: StreamName[] = [];
      await eventually(async () => {
        for (const { stream } of await leases.takeOver(heir, 2)) taken.push(stream);
        expect(taken.filter((stream) => streams.includes(stream))).toEqual(streams);
      });

      const [stream = freshStream()] = streams;
      await expect(store.append(appendOf(stream, 1, [2], use('hold', dead)))).rejects.toMatchObject(
        { code: 'event-store/lease-lost' },
      );
      await store.append(appendOf(stream, 1, [2], use('hold', heir, 2)));
      expect(await leases.renew(dead, LONG_MS)).toBe(false);
      expect(await leases.held(dead)).toEqual([]);
    });

    it('gives everything up at once', async () => {
      const [leaving, heir] = [anOwner(), anOwner()];
      await leases.renew(leaving, LONG_MS);
      const stream = await acquired(leaving);
      await leases.resign(leaving);
      expect((await takeAll(heir)).get(stream)).toBe(2);
      expect(await leases.renew(leaving, LONG_MS)).toBe(false);
    });

    it('takes a stream whose owner never said it was alive', async () => {
      const stream = await acquired(anOwner());
      expect((await takeAll(anOwner())).get(stream)).toBe(2);
    });

    it('keeps the streams of another context out of reach', async () => {
      const owner = anOwner();
      const stream = await acquired(owner);
      const others = log().leases('health');
      expect((await others.takeOver(anOwner(), 100)).map((held) => held.stream)).not.toContain(
        stream,
      );
      expect(await others.held(owner)).toEqual([]);
    });

    it('answers a repeated command even after the lease is gone', async () => {
      const [owner, repeated] = [anOwner(), command()];
      const stream = await acquired(owner);
      const append = appendOf(stream, 1, [2], { ...use('release', owner), ...repeated });
      await store.append(append);
      expect(await store.append(append)).toMatchObject({ repeated: true });
    });
  });
}
