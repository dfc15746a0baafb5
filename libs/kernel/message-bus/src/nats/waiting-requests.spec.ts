import { WaitingRequests } from './waiting-requests';

describe('waiting requests', () => {
  let now = 0;
  let forgotten = 0;
  let requests: WaitingRequests;
  beforeEach(() => {
    now = 0;
    forgotten = 0;
    requests = new WaitingRequests(
      () => forgotten++,
      () => now,
    );
  });

  it('are answered oldest first, each once', () => {
    for (const reply of ['r1', 'r2']) requests.add('k', reply);
    requests.add('other', 'r3');
    expect([1, 2, 3].map(() => requests.takeOldest('k'))).toEqual(['r1', 'r2', undefined]);
    expect(requests.takeAll('other')).toEqual(['r3']);
    expect(requests.takeAll('other')).toEqual([]);
  });

  it('can be taken one by one', () => {
    for (const reply of ['r1', 'r2']) requests.add('k', reply);
    expect(requests.take('k', 'r1')).toBe(true);
    expect(requests.take('k', 'r1')).toBe(false);
    expect(requests.takeAll('k')).toEqual(['r2']);
  });

  it('are forgotten after a minute', () => {
    requests.add('k', 'old');
    now = 60_000;
    requests.add('k', 'new');
    expect([forgotten, requests.takeAll('k')]).toEqual([1, ['new']]);
  });

  it('are forgotten, oldest first, when there are ten thousand', () => {
    for (let n = 0; n < 10_001; n++) requests.add('k' + n, 'r' + n);
    expect(forgotten).toBe(1);
    expect(requests.takeAll('k0')).toEqual([]);
    expect(requests.takeAll('k1')).toEqual(['r1']);
  });
});
