import { EventStoreOverloaded } from '../errors';
import { GroupCommit, type GroupCommitLimits } from './group-commit';

type Item = {
  readonly name: string;
  readonly keys?: readonly string[];
  readonly weight?: number;
  readonly size?: number;
};

/** A group commit whose groups the test lets through one by one. */
function controlled(limits: Partial<GroupCommitLimits> = {}) {
  const sent: { names: string[]; answer: (outcome: 'ok' | Error) => void }[] = [];
  const groups = new GroupCommit<Item, string>(
    { sizeMax: 3, weightMax: 100, waitingMax: 10, ...limits },
    {
      send: (items) =>
        new Promise((resolve, reject) => {
          const names = items.map(({ name }) => name);
          const answer = (outcome: 'ok' | Error) =>
            outcome === 'ok' ? resolve(names.map((name) => `${name} done`)) : reject(outcome);
          sent.push({ names, answer });
        }),
      keysOf: ({ keys = [] }) => keys,
      weightOf: ({ weight = 1 }) => weight,
      sizeOf: ({ size = 1 }) => size,
    },
  );
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return {
    groups,
    add: (...names: readonly string[]) => names.map((name) => groups.add({ name })),
    names: () => sent.map((group) => group.names.join('')),
    answer: async (outcome: 'ok' | Error = 'ok') => {
      sent.at(-1)?.answer(outcome);
      await turn();
      await turn();
    },
    turn,
  };
}

describe('a group commit', () => {
  it('sends together what arrives in one turn, and the rest when that is answered', async () => {
    const { add, names, answer, turn } = controlled();
    const first = add('a', 'b');
    await turn();
    const second = add('c');
    await turn();
    expect(names()).toEqual(['ab']);
    await answer();
    expect(await Promise.all(first)).toEqual(['a done', 'b done']);
    expect(names()).toEqual(['ab', 'c']);
    await answer();
    expect(await Promise.all(second)).toEqual(['c done']);
  });

  it('starts again after it was idle', async () => {
    const { add, names, answer, turn } = controlled();
    for (const name of ['a', 'b']) {
      const [done] = add(name);
      await turn();
      await answer();
      await done;
    }
    expect(names()).toEqual(['a', 'b']);
  });

  it('counts an item for as many as it is, and lets a larger one go alone', async () => {
    const { groups, add, names, answer, turn } = controlled({ waitingMax: 20 });
    void add('a');
    void groups.add({ name: 'B', size: 3 });
    void add('c', 'd');
    void groups.add({ name: 'E', size: 9 });
    await turn();
    for (let n = 0; n < 3; n++) await answer();
    expect(names()).toEqual(['acd', 'B', 'E']);
  });

  it('bounds a group by number and by weight, and lets a heavier one go alone', async () => {
    const { groups, add, names, answer, turn } = controlled();
    void add('a', 'b', 'c', 'd');
    void groups.add({ name: 'H', weight: 500 });
    void groups.add({ name: 'e', weight: 60 });
    void groups.add({ name: 'f', weight: 60 });
    await turn();
    for (let n = 0; n < 5; n++) await answer();
    expect(names()).toEqual(['abc', 'de', 'H', 'f']);
  });

  it('keeps items with the same key apart and in order', async () => {
    const { groups, names, answer, turn } = controlled();
    const add = (name: string, ...keys: readonly string[]) => void groups.add({ name, keys });
    add('a', 'k');
    add('b', 'k', 'm');
    add('c', 'l');
    // Free by itself in the first group, but it came after b.
    add('d', 'm');
    await turn();
    for (let n = 0; n < 3; n++) await answer();
    expect(names()).toEqual(['ac', 'b', 'd']);
  });

  it('fails a whole group with the fault of sending, and goes on', async () => {
    const { add, names, answer, turn } = controlled();
    const failing = add('a', 'b');
    const outcomes = Promise.allSettled(failing);
    await turn();
    const [next] = add('c');
    await answer(new Error('gone'));
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await answer();
    expect(await next).toBe('c done');
    expect(names()).toEqual(['ab', 'c']);
  });

  it('refuses what the queue does not hold, and takes more when there is room', async () => {
    const { groups, add, answer, turn } = controlled({ waitingMax: 2 });
    void add('a', 'b');
    expect(() => groups.add({ name: 'c' })).toThrow('no more than 2 appends may wait');
    await turn();
    const [later] = add('d');
    await answer();
    await answer();
    expect(await later).toBe('d done');
  });

  it('counts all that an item stands for among what waits, and lets a larger one wait alone', async () => {
    const { groups, add, names, answer, turn } = controlled({ waitingMax: 4 });
    const large = groups.add({ name: 'L', size: 9 });
    expect(() => groups.add({ name: 'a' })).toThrow('no more than 4 appends may wait');
    await turn();
    void groups.add({ name: 'B', size: 3 });
    expect(() => groups.add({ name: 'C', size: 2 })).toThrow(EventStoreOverloaded);
    void add('d');
    for (let n = 0; n < 3; n++) await answer();
    expect(await large).toBe('L done');
    expect(names()).toEqual(['L', 'B', 'd']);
  });

  it('answers what waits before it closes, and takes nothing more', async () => {
    const { groups, add, answer, turn } = controlled();
    const waiting = add('a');
    await turn();
    const closing = groups.close();
    expect(() => groups.add({ name: 'b' })).toThrow('closed');
    await answer();
    await closing;
    expect(await Promise.all(waiting)).toEqual(['a done']);
  });
});
