import {
  EventStoreUnavailable,
  LeaseLost,
  StreamVersionConflict,
  type EventStore,
} from '@downbeat/event-store';
import type { StreamName } from '@downbeat/eventsourcing';
import { Probe } from './probe';
import type { Sight, Witness } from './witness';

const stream = 'workflow-1' as StreamName;
const takeOver: Sight = {
  ...{ id: 1, at: 0, kind: 'take-over', stream, owner: 'b', epoch: 2 },
  ...{ detail: 'a', outcome: '', position: 0 },
};
const away = new EventStoreUnavailable('the database is busy');

describe('the probe of the drill', () => {
  let sights: jest.Mock<Promise<readonly Sight[]>>;
  let load: jest.Mock;
  let append: jest.Mock;
  beforeEach(() => {
    sights = jest.fn((after: number) => Promise.resolve(after === 0 ? [takeOver] : []));
    load = jest.fn(() => Promise.resolve([]));
    append = jest.fn(() => Promise.resolve({}));
  });
  const probed = async (): Promise<Probe> => {
    const witness = { sights } as unknown as Witness;
    const probe = new Probe(witness, { load, append } as unknown as EventStore, 1);
    await probe.stop();
    return probe;
  };

  it('writes as the one that lost the run, in its epoch, and names an append that succeeds', async () => {
    const { violations, refused } = await probed();
    expect(violations).toEqual(['workflow-1: an append of a in epoch 1 succeeded']);
    expect(refused).toBe(0);
    expect(append.mock.calls).toMatchObject([[{ stream, lease: { owner: 'a', epoch: 1 } }]]);
  });

  it('counts what is refused', async () => {
    append.mockRejectedValue(new LeaseLost(stream, 'a', 1));
    expect(await probed()).toMatchObject({ refused: 1, violations: [] });
  });

  it.each([
    ['a run that goes on each time after it was read', new StreamVersionConflict(stream, 1, 2)],
    ['a database that is busy', away],
  ])('says nothing of %s', async (_, fault) => {
    append.mockRejectedValue(fault);
    expect(await probed()).toMatchObject({ refused: 0, violations: [] });
  });

  it('tries again when the run has gone on in between', async () => {
    append.mockRejectedValueOnce(new StreamVersionConflict(stream, 0, 1));
    expect((await probed()).violations).toHaveLength(1);
    expect(load).toHaveBeenCalledTimes(2);
  });

  it('says nothing of a run that cannot be read', async () => {
    load.mockRejectedValue(away);
    expect(await probed()).toMatchObject({ refused: 0, violations: [] });
  });

  it('names any other fault, and goes on', async () => {
    append.mockRejectedValue(new TypeError('no such thing'));
    const { violations } = await probed();
    expect(violations).toEqual([
      'workflow-1: the append was not refused: TypeError: no such thing',
    ]);
  });

  it('looks once more when the database did not say what it saw', async () => {
    sights.mockRejectedValueOnce(new Error('timeout')).mockRejectedValueOnce(new Error('timeout'));
    expect(await probed()).toMatchObject({
      sights: [takeOver],
      violations: ['workflow-1: an append of a in epoch 1 succeeded'],
    });
  });

  it('names a database that never says it, instead of being silent', async () => {
    sights.mockRejectedValue(new Error('timeout'));
    const { violations } = await probed();
    expect(violations).toEqual(['what the database saw could not be read: Error: timeout']);
  });
});
