import type { JsonObject } from '@downbeat/eventsourcing';
import { ERRORS } from '../definition/check-errors';
import type { CompiledGroup, CompiledParallel } from '../definition/compiled';
import { groupState } from './branches';
import { errorsOf } from './caught';
import type { Draft } from './draft';
import { isUndoable } from './plan';
import { scopeId } from './scopes';
import { giveUp, undoNext } from './settle';
import { isInside, type Spot } from './spot';

/** The first branch to complete wins; in the others nothing is waited for any more. */
export function raceWon(draft: Draft, race: Spot<CompiledParallel>, branch: string): void {
  const { address, step } = race;
  if (groupState(draft.run, address)?.winner !== undefined) return;
  const context = writtenBy(draft, race, branch);
  draft.record({
    type: 'RaceWon',
    data: { step: address, branch, context, ...draft.scopeAt(race), at: draft.at },
  });
  for (const { name } of step.branches)
    if (name !== branch) giveUp(draft, { group: race, branch: name });
}

/** The keys of the winner; what was caught before it stands beside what it caught. */
function writtenBy(draft: Draft, race: Spot, branch: string): JsonObject {
  const own = draft.run.scopes.get(scopeId(race.address, branch)) ?? {};
  if (!draft.definition.isCatching || own[ERRORS] === undefined) return own;
  return { ...own, [ERRORS]: { ...errorsOf(draft.contextAt(race)), ...errorsOf(own) } };
}

/** @returns False as long as what the losers have done is not undone. */
export function raceJoined(draft: Draft, race: Spot<CompiledGroup>): boolean {
  const { address } = race;
  const { compensation } = draft.run;
  if (compensation && compensation.race !== undefined) {
    // Races undo one after the other; after a retry of the run this one goes on.
    if (compensation.race !== address) return false;
    if (compensation.remaining.length === 0) return true;
    if (!compensation.undo) undoNext(draft);
    return false;
  }
  const steps = effectsOfLosers(draft, race);
  if (steps.length === 0) return true;
  draft.record({ type: 'RaceUndoStarted', data: { step: address, steps, at: draft.at } });
  undoNext(draft);
  return false;
}

/** Newest first. */
function effectsOfLosers(draft: Draft, race: Spot): readonly string[] {
  const { definition, run } = draft;
  const winner = groupState(run, race.address)?.winner;
  return run.effects
    .map(({ step }) => step)
    .filter((address) => {
      const spot = draft.spotOf(address);
      const isLosers =
        isInside(definition, spot, race) && !isInside(definition, spot, race, winner);
      return isLosers && isUndoable(definition, address);
    })
    .toReversed();
}
