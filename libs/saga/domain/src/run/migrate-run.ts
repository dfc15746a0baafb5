import { Rejection } from '@downbeat/eventsourcing';
import { nameOf, stepOf, type CompiledDefinition } from '../definition/compiled';
import { purgedRun, restoreRun } from './archive-run';
import type { MigrateWorkflow } from './commands';
import type { Draft } from './draft';
import { planMigration, type MigrationPlan } from './migration';
import type { MigrationFault } from './migration-way';
import type { Run } from './state';
import { versionOf } from './run-version';

/** An operator has the run go on by another version of its definition. Asking for what holds is no change. */
export function migrateRun(draft: Draft, command: MigrateWorkflow): Rejection | undefined {
  const { definition: from, run, at } = draft;
  const { definition: to, checksum, data } = command;
  if (to.name !== from.name) throw new RangeError(`${to.name} is no version of ${from.name}`);
  if (to.version === versionOf(run)) return undefined;
  const plan = planMigration(from, to, run);
  const refusal = whyNotMigrated(run, to, plan);
  if (refusal) return refusal;
  const { anew, undoAnew } = plan;
  // One that was purged was refused before.
  restoreRun(draft);
  const places = movedPlaces(from, to, run);
  draft.record({
    type: 'WorkflowMigrated',
    data: {
      from_version: from.version,
      to_version: to.version,
      checksum,
      reason: data.reason,
      compensation_strategy: to.strategy,
      total_steps: to.steps.size,
      ...(Object.keys(places).length > 0 ? { places, ...lastPlace(to, run) } : {}),
      ...(anew.length > 0 ? { anew } : {}),
      ...(undoAnew.length > 0 ? { undo_anew: undoAnew } : {}),
      at,
    },
  });
  return undefined;
}

/** @returns Undefined when the run can go on by `to`. */
export const whyNotMigrated = (
  run: Run,
  to: CompiledDefinition,
  { faults }: MigrationPlan,
): Rejection | undefined =>
  whyNeverMigrated(run) ?? (faults.length > 0 ? impossible(to.version, faults) : undefined);

/** A run that has ended, or is about to, does nothing more by any definition. */
function whyNeverMigrated(run: Run): Rejection | undefined {
  if (run.purgedAt !== undefined) return purgedRun(run.purgedAt);
  if (run.status === 'completed' || run.status === 'compensated')
    return new Rejection('workflow-ended', `the run has ended: it is ${run.status}`);
  if (run.status === 'running' && run.halt)
    return new Rejection('workflow-ending', 'the run is ending; migrate it when it has failed');
  return undefined;
}

const impossible = (version: string, faults: readonly MigrationFault[]): Rejection => {
  const [first] = faults;
  const why = first ? `${first.place} ${first.message}` : '';
  return new Rejection(
    'migration-impossible',
    `the run cannot go on by ${version}: ${why}`,
    'conflict',
    faults.slice(0, FAULTS_TOLD_MAX).map(({ place, message }) => ({ field: place, message })),
  );
};
const FAULTS_TOLD_MAX = 50;

function lastPlace(to: CompiledDefinition, run: Run): { readonly place?: number } {
  const last = [...run.steps.keys()].at(-1);
  return last === undefined ? {} : { place: stepOf(to, last).place };
}

/** Of the steps that were reached, by their names, those that have another place now. */
function movedPlaces(
  from: CompiledDefinition,
  to: CompiledDefinition,
  run: Run,
): Readonly<Record<string, number>> {
  const names = new Set([...run.steps.keys()].map(nameOf));
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const { place } = stepOf(to, name);
      return place === stepOf(from, name).place ? [] : [[name, place]];
    }),
  );
}
