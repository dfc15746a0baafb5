import { summarize, type CpuProfile } from './profile';

const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 9 });
const DECIDE = 'file:///suite/libs/saga/domain/dist/run/decide.js';
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)', ''), children: [2, 3, 4, 5, 6, 9] },
    { id: 2, callFrame: frame('(idle)', '') },
    { id: 3, callFrame: frame('decide', DECIDE) },
    {
      id: 4,
      callFrame: frame('send', '/suite/node_modules/@scope/pg/lib/client.js'),
      children: [7],
    },
    { id: 5, callFrame: frame('decide', DECIDE) },
    { id: 6, callFrame: frame('(garbage collector)', '') },
    { id: 7, callFrame: frame('write', 'node:net'), children: [8] },
    { id: 8, callFrame: frame('writev', '') },
    { id: 9, callFrame: frame('end', '/suite/bench/dist/profile/preload.js') },
  ],
  samples: [2, 3, 4, 5, 6, 7, 8, 9],
  timeDeltas: [1_000, 30, 10, 10, 40, 4, 6, 500],
};

describe('a summary of a CPU profile', () => {
  const { libraries, functions } = summarize('saga', profile, '/suite');
  const shares = Object.fromEntries(libraries.map(({ name, share }) => [name, share]));

  it('leaves out idle time and the profiler', () => expect(shares['garbage collection']).toBe(0.4));

  it('adds up what a function used in several places, and says where it stands', () =>
    expect(functions).toContainEqual({
      name: 'decide',
      place: 'libs/saga/domain/dist/run/decide.js:10',
      share: 0.4,
    }));

  it('counts what Node did for a library as the library’s', () => {
    expect(shares['@scope/pg']).toBeCloseTo(0.2);
    expect(functions).toContainEqual({
      name: 'writev',
      place: 'for send, @scope/pg/lib/client.js:10',
      share: 0.06,
    });
  });
});
