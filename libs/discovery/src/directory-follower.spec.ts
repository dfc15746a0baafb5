import { registryContract } from '@downbeat/contracts';
import {
  DirectoryFollower,
  type DirectoryQuestion,
  type DirectorySource,
} from './directory-follower';
import type { Entry } from './directory-snapshot';

const entry = (service_name: string, revision: number, more: Partial<Entry> = {}): Entry => ({
  service_name,
  revision,
  capabilities: [],
  capability_versions: {},
  instance_count: 0,
  targets: [],
  ...more,
});

/** A registry that answers from a list of entries, two a page, and pushes when it is told to. */
class Registry implements DirectorySource {
  entries: Entry[] = [];
  revision = 0;
  asked: number[] = [];
  isReachable = true;
  /** In which it tells entries; of before there were shapes. */
  shape: number | undefined;
  /** Name of the log that it reads; the id of each event begins with it. Without one it tells no marks. */
  log = '';
  private listener: (push: unknown) => void = () => undefined;

  ask({ since, mark }: DirectoryQuestion): Promise<registryContract.DirectoryPage> {
    this.asked.push(since);
    if (!this.isReachable) return Promise.reject(new Error('nobody answers'));
    if (mark && !(mark.event_id.startsWith(this.log) && mark.position <= this.revision))
      return Promise.resolve({ services: [], revision: 0, has_more: false, is_other_log: true });
    const newer = this.entries.filter(({ revision }) => revision > since);
    const services = newer.slice(0, 2);
    const has_more = newer.length > 2;
    const last = has_more ? services.at(-1)?.revision : undefined;
    const revision = last ?? this.revision;
    return Promise.resolve({ services, has_more, revision, ...this.mark, ...this.inShape });
  }

  private get mark() {
    const { log, revision } = this;
    return log === '' ? {} : { mark: { position: revision, event_id: `${log}-${revision}` } };
  }

  private get inShape() {
    return this.shape === undefined ? {} : { shape: this.shape };
  }

  onPush(listener: (push: unknown) => void) {
    this.listener = listener;
    return () => (this.listener = () => undefined);
  }

  set(...entries: Entry[]) {
    const names = new Set(entries.map(({ service_name }) => service_name));
    this.entries = [...this.entries.filter((one) => !names.has(one.service_name)), ...entries];
    this.revision = Math.max(this.revision, ...entries.map(({ revision }) => revision));
  }

  push(after: number, ...services: Entry[]) {
    const { revision, mark, inShape } = this;
    this.listener({ after, revision, services, ...mark, ...inShape });
  }

  say(nonsense: unknown) {
    this.listener(nonsense);
  }
}

const SECONDS = 1_000;
let registry: Registry;
let follower: DirectoryFollower;
let troubles: unknown[];
/** The services of each replacement, and the revision that the snapshot had then. */
let replaced: unknown[];

beforeEach(() => {
  jest.useFakeTimers();
  registry = new Registry();
  troubles = [];
  replaced = [];
  follower = new DirectoryFollower(registry, {
    onTrouble: (fault) => troubles.push(fault),
    onReplaced: (services) => replaced.push([services, follower.status().revision]),
  });
});
afterEach(async () => {
  await follower.stop();
  jest.useRealTimers();
});

const begun = async () => {
  follower.start();
  await jest.advanceTimersByTimeAsync(0);
};
const revisionOf = (name: string) => follower.snapshot.serviceOf(name)?.revision;

it('begins with all pages, and is known then', async () => {
  registry.set(entry('a', 1), entry('b', 2), entry('c', 3));
  expect(follower.isKnown).toBe(false);
  expect(follower.status()).toEqual({ services: 0, revision: 0, age_ms: -1 });
  await begun();
  expect(follower.isKnown).toBe(true);
  expect(follower.status()).toMatchObject({ services: 3, revision: 3, age_ms: 0 });
});

it('takes what is pushed without asking', async () => {
  registry.set(entry('a', 1));
  await begun();
  registry.set(entry('a', 2), entry('b', 3));
  registry.push(1, entry('a', 2), entry('b', 3));
  expect([revisionOf('a'), revisionOf('b'), registry.asked]).toEqual([2, 3, [0]]);
});

it('asks for what it missed', async () => {
  registry.set(entry('a', 1));
  await begun();
  registry.set(entry('a', 2), entry('b', 3), entry('c', 4));
  registry.push(3, entry('c', 4));
  expect(revisionOf('c')).toBe(4);
  await jest.advanceTimersByTimeAsync(0);
  expect([revisionOf('a'), revisionOf('b'), follower.status().revision]).toEqual([2, 3, 4]);
  expect(registry.asked.slice(1)).toEqual([1, 3]);
});

it('keeps the newer of two, whoever sends the older one later', async () => {
  registry.set(entry('a', 5));
  await begun();
  registry.push(0, entry('a', 3));
  expect(revisionOf('a')).toBe(5);
});

it('asks again soon when a replica that lags behind answered', async () => {
  await begun();
  registry.revision = 4;
  registry.say({ after: 8, revision: 9, services: [] });
  await jest.advanceTimersByTimeAsync(0);
  expect(follower.status().revision).toBe(4);
  registry.set(entry('a', 9));
  await jest.advanceTimersByTimeAsync(150);
  expect([revisionOf('a'), follower.status().revision]).toEqual([9, 9]);
});

it('serves what it knows while nobody answers, and says how old that is', async () => {
  registry.set(entry('a', 1));
  await begun();
  registry.isReachable = false;
  await jest.advanceTimersByTimeAsync(60 * SECONDS);
  expect(revisionOf('a')).toBe(1);
  expect(follower.status().age_ms).toBeGreaterThanOrEqual(60 * SECONDS);
  // Asked about once a second, and no more often.
  expect(troubles.length).toBeGreaterThan(40);
  expect(troubles.length).toBeLessThan(62);
  registry.set(entry('a', 2));
  registry.isReachable = true;
  await jest.advanceTimersByTimeAsync(2 * SECONDS);
  expect(revisionOf('a')).toBe(2);
  expect(follower.status().age_ms).toBeLessThanOrEqual(2 * SECONDS);
});

it('asks nobody while the registry says each second that nothing has changed', async () => {
  registry.set(entry('a', 1));
  await begun();
  for (let second = 0; second < 30; second++) {
    await jest.advanceTimersByTimeAsync(SECONDS);
    registry.push(1);
  }
  expect(registry.asked).toEqual([0]);
  expect(follower.status().age_ms).toBe(0);
});

it('is not known by half: a page of a replica that lags behind is asked for again', async () => {
  registry.set(entry('a', 1), entry('b', 2), entry('c', 3));
  const whole = registry.ask.bind(registry);
  let isFirst = true;
  registry.ask = (input) => {
    if (input.since === 0 || !isFirst) return whole(input);
    isFirst = false;
    return Promise.resolve({ services: [], revision: 1, has_more: false });
  };
  await begun();
  expect(follower.isKnown).toBe(false);
  await jest.advanceTimersByTimeAsync(2 * SECONDS);
  expect([follower.isKnown, follower.status().services]).toEqual([true, 3]);
});

it('goes on after a push that nobody understands', async () => {
  registry.set(entry('a', 1));
  await begun();
  for (const nonsense of [undefined, 7, {}, { after: 1, revision: 'x', services: [] }])
    registry.say(nonsense);
  expect(troubles).toHaveLength(4);
  registry.set(entry('a', 2));
  registry.push(1, entry('a', 2));
  expect(revisionOf('a')).toBe(2);
});

it('begins anew when the log of the registry was put back to an earlier state', async () => {
  registry.set(entry('a', 90), entry('b', 100));
  await begun();
  registry.entries = [entry('a', 50)];
  registry.revision = 60;
  // It goes on to say each second how far it has come.
  for (let second = 0; second < 30; second++) {
    await jest.advanceTimersByTimeAsync(SECONDS);
    registry.push(60);
  }
  expect(follower.status()).toMatchObject({ services: 1, revision: 60 });
  expect(revisionOf('a')).toBe(50);
  // Told when it can be looked at, and once.
  expect(replaced.at(-1)).toEqual([['a'], 60]);
  expect(replaced).toHaveLength(2);
});

describe('when the log of the registry was put back, and has grown past what is known', () => {
  const putBack = async () => {
    registry.log = 'old';
    registry.set(entry('a', 90), entry('b', 100), entry('gone', 95));
    await begun();
    registry.isReachable = false;
    await jest.advanceTimersByTimeAsync(5 * SECONDS);
    registry.log = 'new';
    registry.entries = [];
    registry.set(entry('a', 50), entry('b', 160));
    registry.isReachable = true;
  };
  const isAnew = () =>
    expect([revisionOf('a'), revisionOf('b'), revisionOf('gone')]).toEqual([50, 160, undefined]);

  it.each([
    ['a push that begins before that', 80],
    ['a push that begins after that', 150],
    ['nothing', undefined],
  ])('begins anew within two seconds, after %s', async (_, after) => {
    await putBack();
    if (after !== undefined) registry.push(after, entry('b', 160));
    await jest.advanceTimersByTimeAsync(2 * SECONDS);
    isAnew();
    expect(follower.status()).toMatchObject({ services: 2, revision: 160 });
    // And is content with that.
    const asked = registry.asked.length;
    for (let second = 0; second < 10; second++) {
      await jest.advanceTimersByTimeAsync(SECONDS);
      registry.push(160);
    }
    expect(registry.asked.length).toBe(asked);
  });

  it('goes on with what it knows when it is not: nothing is thrown away', async () => {
    registry.log = 'old';
    registry.set(entry('a', 90));
    await begun();
    registry.isReachable = false;
    await jest.advanceTimersByTimeAsync(5 * SECONDS);
    registry.isReachable = true;
    registry.set(entry('b', 120));
    await jest.advanceTimersByTimeAsync(2 * SECONDS);
    expect([revisionOf('a'), revisionOf('b')]).toEqual([90, 120]);
    expect(registry.asked.filter((since) => since === 0)).toHaveLength(1);
  });
});

describe('when the registry was of before environments were told', () => {
  const told = (name: string, revision: number, more: Partial<Entry> = {}) =>
    entry(name, revision, {
      ...{ capabilities: ['tax'], capability_versions: { tax: '1.0.0' } },
      ...more,
    });
  const begunBefore = async () => {
    registry.set(told('a', 1), told('b', 2), told('c', 3));
    await begun();
  };
  const isNow = (shape: number | undefined) => {
    registry.shape = shape;
    const environment = shape === undefined ? {} : { environment: 'staging' as const };
    registry.entries = registry.entries.map(({ service_name, revision }) =>
      told(service_name, revision, environment),
    );
  };
  const inProduction = () =>
    follower.snapshot
      .withCapability('tax', undefined, 'production')
      .map(({ service_name }) => service_name);
  /** Of a registry that says each second that nothing has changed. */
  const seconds = async (count: number, said = () => registry.push(registry.revision)) => {
    for (let second = 0; second < count; second++) {
      await jest.advanceTimersByTimeAsync(SECONDS);
      said();
    }
  };
  const wholeReads = () => registry.asked.filter((since) => since === 0).length;

  it('takes what the next one says more of each service, although none of them changed', async () => {
    await begunBefore();
    expect(inProduction()).toEqual(['a', 'b', 'c']);
    replaced.length = 0;
    isNow(registryContract.DIRECTORY_SHAPE);
    await seconds(10);
    expect(inProduction()).toEqual([]);
    expect(follower.status()).toMatchObject({ services: 3, revision: 3 });
    expect(replaced.flatMap((one) => (one as [string[]])[0])).toEqual(['a', 'b', 'c']);
  });

  it('asks for that once, and never while nobody could tell it', async () => {
    await begunBefore();
    await seconds(60);
    expect(registry.asked).toEqual([0, 2]);
    isNow(registryContract.DIRECTORY_SHAPE + 1);
    await seconds(60);
    // What changed first, as ever.
    expect(registry.asked).toEqual([0, 2, 3, 0, 2]);
  });

  it('asks now and then while old replicas answer, and takes nothing poorer back', async () => {
    await begunBefore();
    const { ask } = registry;
    registry.ask = async (input) => {
      const { shape: _, ...page } = await ask.call(registry, input);
      return page;
    };
    registry.shape = registryContract.DIRECTORY_SHAPE;
    await seconds(60);
    expect(wholeReads()).toBeGreaterThan(2);
    expect(wholeReads()).toBeLessThan(9);
    registry.ask = ask;
    isNow(registryContract.DIRECTORY_SHAPE);
    await seconds(20);
    const asked = registry.asked.length;
    await seconds(20, () => registry.say({ after: 0, revision: 3, services: [told('a', 1)] }));
    expect(inProduction()).toEqual([]);
    await seconds(20);
    expect(registry.asked).toHaveLength(asked);
  });

  it('is content with the pages that know less of one of them than a push of before', async () => {
    await begunBefore();
    registry.say({ after: 3, revision: 5, services: [told('d', 5)] });
    isNow(registryContract.DIRECTORY_SHAPE);
    registry.revision = 5;
    await seconds(60);
    expect(wholeReads()).toBe(2);
  });
});

it('finds by capability and version, also after a change', async () => {
  const able = (name: string, revision: number, version: string) =>
    entry(name, revision, { capabilities: ['tax'], capability_versions: { tax: version } });
  registry.set(able('a', 1, '1.2.0'), able('b', 2, '2.0.0'), entry('c', 3));
  await begun();
  const found = (range?: string) =>
    follower.snapshot.withCapability('tax', range).map(({ service_name }) => service_name);
  expect([found(), found('^1.0.0'), found('^3.0.0')]).toEqual([['a', 'b'], ['a'], []]);
  registry.set(able('a', 4, '3.1.0'));
  registry.push(3, able('a', 4, '3.1.0'));
  expect([found('^1.0.0'), found('^3.0.0')]).toEqual([[], ['a']]);
  expect(follower.snapshot.withCapability('constructor')).toEqual([]);
});
