import { Rounds } from './rounds';

describe('rounds', () => {
  let rounds: Rounds<string>;
  let ends: ((how: string | Error) => void)[];
  beforeEach(() => {
    rounds = new Rounds();
    ends = [];
  });
  const work = (): Promise<string> =>
    new Promise((resolve, reject) => {
      ends.push((how) => (how instanceof Error ? reject(how) : resolve(how)));
    });
  const ask = (key = 'a'): Promise<string> => rounds.share(key, work).catch(String);
  const turn = (): Promise<void> => new Promise(setImmediate);

  it('begin after everyone who shares them has asked', async () => {
    const first = ask();
    const others = [ask(), ask(), ask()];
    expect(ends).toHaveLength(1);
    ends[0]?.('one');
    expect(await first).toBe('one');
    await turn();
    const late = ask();
    expect(ends).toHaveLength(2);
    ends[1]?.('two');
    expect(await Promise.all(others)).toEqual(['two', 'two', 'two']);
    await turn();
    ends[2]?.('three');
    expect(await late).toBe('three');
    void ask();
    expect(ends).toHaveLength(4);
  });

  it('go on after one that failed, and are apart for each key', async () => {
    const [first, second, other] = [ask(), ask(), ask('b')];
    expect(ends).toHaveLength(2);
    ends[0]?.(new Error('lost'));
    expect(await first).toBe('Error: lost');
    await turn();
    ends[2]?.('again');
    ends[1]?.('b');
    expect(await Promise.all([second, other])).toEqual(['again', 'b']);
  });
});
