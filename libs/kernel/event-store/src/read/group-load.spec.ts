import { GroupLoad, type Asked, type Part } from './group-load';

const turn = () => new Promise((resolve) => setImmediate(resolve));

type Answer = (asked: readonly Asked[]) => readonly Part<string>[];

function loads(answer: Answer = whole) {
  const asked: (readonly Asked[])[] = [];
  const load = new GroupLoad<string, string>(
    {
      ask: (some) => {
        asked.push(some);
        return Promise.resolve().then(() => answer(some));
      },
      read: (row) => {
        if (row.startsWith('bad')) throw new Error(`${row} is unreadable`);
        return row;
      },
    },
    3,
  );
  return { load, asked };
}
const named = (asked: readonly Asked[]) => asked.map(({ stream, after }) => `${stream}${after}`);
const all = (...rows: readonly string[]) => ({ rows, hasMore: false });
const some = (...rows: readonly string[]) => ({ rows, hasMore: true });
const whole: Answer = (asked) => named(asked).map((row) => all(row));

it('asks together what is asked in one turn, and the same once', async () => {
  const { load, asked } = loads();
  const first = [load.load('a', 0), load.load('b', 0), load.load('a', 0), load.load('a', 1)];
  expect(await Promise.all(first)).toEqual([['a0'], ['b0'], ['a0'], ['a1']]);
  expect(await load.load('a', 0)).toEqual(['a0']);
  expect(asked.map(named)).toEqual([['a0', 'b0', 'a1'], ['a0']]);
});

it('asks in groups of a bounded size', async () => {
  const { load, asked } = loads();
  await Promise.all(['a', 'b', 'c', 'd'].map((stream) => load.load(stream, 0)));
  expect(asked.map(named)).toEqual([['a0', 'b0', 'c0'], ['d0']]);
});

it('does not wait for the answer to an earlier question', async () => {
  let free: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (free = resolve));
  const ask = async (asked: readonly Asked[]) => {
    if (asked[0]?.stream === 'slow') await held;
    return whole(asked);
  };
  const load = new GroupLoad<string, string>({ ask, read: (row) => row }, 3);
  const slow = load.load('slow', 0);
  await turn();
  expect(await load.load('quick', 0)).toEqual(['quick0']);
  free();
  expect(await slow).toEqual(['slow0']);
});

it('fails all who asked together with its fault, and nobody who asks later', async () => {
  let isBroken = true;
  const { load } = loads((asked) => {
    if (isBroken) throw new Error('broken');
    return whole(asked);
  });
  const outcomes = await Promise.allSettled([load.load('a', 0), load.load('b', 0)]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  isBroken = false;
  expect(await load.load('a', 0)).toEqual(['a0']);
});

it('fails whom it got no answer for', async () => {
  const { load } = loads(() => [all('only')]);
  const [one, other] = await Promise.allSettled([load.load('a', 0), load.load('b', 0)]);
  expect([one.status, other.status]).toEqual(['fulfilled', 'rejected']);
});

it('fails with what cannot be read only whoever asked for it', async () => {
  const { load } = loads();
  const outcomes = await Promise.allSettled(['a', 'bad', 'c'].map((name) => load.load(name, 0)));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

it('asks for the rest of those that have more, and lets nobody else wait for it', async () => {
  const rounds = [[some('l1', 'l2'), all('s1'), some()], [all('o1'), some('l3')], [all('l4')]];
  const { load, asked } = loads(() => rounds[asked.length - 1] ?? []);
  const [long, short, other] = ['long', 'short', 'other'].map((name) => load.load(name, 0));
  // Before the answers to the others.
  const first = Promise.race([short, long, other]);
  expect(await first).toEqual(['s1']);
  expect([await long, await other]).toEqual([['l1', 'l2', 'l3', 'l4'], ['o1']]);
  // Whoever had least comes first.
  expect(asked.map(named)).toEqual([['long0', 'short0', 'other0'], ['other0', 'long2'], ['long3']]);
});

it('fails those who wait when an answer leads nowhere, or a later question breaks', async () => {
  const { load } = loads(() => [some()]);
  await expect(load.load('a', 0)).rejects.toThrow(RangeError);
  let questions = 0;
  const broken = loads((asked) => {
    if (questions++ > 0) throw new Error('broken');
    return asked.map(({ stream }) => (stream === 'a' ? all('a1') : some('b1')));
  });
  const [one, other] = [broken.load.load('a', 0), broken.load.load('b', 0)];
  await expect(other).rejects.toThrow('broken');
  expect(await one).toEqual(['a1']);
});
