import { epochMs } from '@downbeat/eventsourcing';
import { Player } from '@downbeat/saga-domain/testing';
import type { StoredEvent } from '../../support/bookings';
import { isSilent, TIMED_DEFINITIONS } from './timed-load';
import { compiled, dueAt } from './timers';

const definitions = compiled(TIMED_DEFINITIONS);
const playing = (name: string) => {
  const definition = definitions.get(name);
  if (!definition) throw new Error(`there is no ${name}`);
  return new Player(definition).start();
};
const dueOf = ({ events }: Player) =>
  dueAt(events as unknown as readonly StoredEvent[], definitions, isSilent);
const after = (player: Player, ms: number) => epochMs(player.at) + ms;

describe('when something is to be done for a run', () => {
  it('is at once when a call is to be made', () =>
    expect(dueOf(playing('impatient'))).toBeUndefined());

  it('is when its timer is due', () => {
    const player = playing('timed');
    expect(dueOf(player)).toBe(after(player, 3_000));
  });

  it('is when its time is up, if it waits for nothing that ends before', () => {
    const player = playing('impatient');
    player.ok('first');
    expect(dueOf(player)).toBe(after(player, 6_000));
  });

  it('is unknown while its service says nothing', () => {
    const player = playing('timed');
    player.due('delay:rest');
    player.ok('busy-once');
    expect(dueOf(player)).toBe(Infinity);
  });
});
