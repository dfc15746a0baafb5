import { isGroup } from '../definition/compiled';
import { rejoin } from './advance';
import { groupState } from './branches';
import type { Draft } from './draft';
import { leavesPassedRaces } from './rules-version';
import { settle, undoNext } from './settle';
import { allAround, type Spot } from './spot';

/** Behind an undo that is over, unless the run is paused: the next one, or what waits for the last. */
export function undone(draft: Draft): void {
  if (draft.run.pause) return;
  const { status, compensation } = draft.run;
  if (status === 'compensating') return undoNext(draft);
  if (draft.isHalted) return settle(draft);
  if (!compensation || compensation.remaining.length > 0) return undoNext(draft);
  rejoinRaces(draft);
}

/** Goes on behind the race whose losers are undone, and behind others that wait for their turn to undo. */
export function rejoinRaces(draft: Draft): void {
  const { race } = draft.run.compensation ?? {};
  const isThis = ({ address }: Spot): boolean => address === race;
  const spots = [...draft.spots()];
  for (const spot of [...spots.filter(isThis), ...spots.filter((one) => !isThis(one))]) {
    const { step, address } = spot;
    if (draft.isHalted || draft.run.status !== 'running') return;
    if (!isGroup(step) || groupState(draft.run, address)?.winner === undefined) continue;
    if (!isPassedOver(draft, spot)) rejoin(draft, { ...spot, step });
  }
}

/** With what is around it. */
const isPassedOver = ({ definition, run }: Draft, spot: Spot): boolean =>
  leavesPassedRaces(run.started) &&
  allAround(definition, spot).some(
    ({ group }) => run.steps.get(group.address)?.status === 'passed',
  );
