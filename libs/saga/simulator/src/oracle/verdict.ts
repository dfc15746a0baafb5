import type { RecordedEvent } from '@downbeat/eventsourcing';
import { definitionControlStream, type RunDecider, type RunEvent } from '@downbeat/saga-domain';
import type { Mutation } from '../world/mutation';
import type { Node } from '../world/node';
import { isAtRest } from '../world/operators';
import { checksumOf } from '../world/registry';
import type { Run } from '../world/run';
import type { World } from '../world/world';
import { accountOf } from './account';
import { casesOf } from './cases';
import { editsAccountOf } from './edits-account';
import { familyOf } from './family';
import { flowAccountOf } from './flow-account';
import { groupsAccountOf } from './groups-account';
import { historyOf, type History } from './history';
import { incidentsAccountOf } from './incidents-account';
import { latenessOf } from './lateness';
import { migrationCasesOf } from './migration-cases';
import { migrationsAccountOf } from './migrations-account';
import { definitionPausesAccountOf, WITH_DEFINITION } from './definition-pauses';
import { pausesAccountOf } from './pauses-account';
import { nameAt } from './places';
import { firstDifference } from './replay';
import { signalsAccountOf } from './signals-account';
import { truthOf } from './truth';

/** Everything that is wrong with a simulation that is over; nothing when the engine is sound. */
export function verdictOn(
  world: World,
  runs: readonly Run[],
  nodes: readonly Node[],
  calmAt: number,
  mutation: Mutation,
): readonly string[] {
  return [
    ...world.crimes,
    ...runs.flatMap((run) =>
      wrongsOf(world, run, calmAt, mutation).map((wrong) => `${run.correlationId}: ${wrong}`),
    ),
    ...leftOvers(world, nodes),
    ...gapsOf(world),
  ];
}

function wrongsOf(world: World, run: Run, calmAt: number, mutation: Mutation): readonly string[] {
  const { correlationId, definition } = run;
  const events = world.eventsOf(correlationId);
  const stream = world.streamOf(correlationId);
  const state = world.stateOf(stream);
  const { name } = definition.definition;
  const find = (version: string) => world.known.find(name, version)?.compiled;
  const history = historyOf(events, definition.compiled, find);
  const { decider = (sound: RunDecider) => sound } = mutation;
  const difference = firstDifference(history, decider);
  const control = world.log.streams.get(definitionControlStream(name)) ?? [];
  count(world, history);
  const isClockTrue = !world.weather.present.includes('suspended');
  return [
    ...(isAtRest(state) ? [] : [`it stopped at ${events.at(-1)?.type ?? 'nothing'}`]),
    ...(world.log.holders.has(stream) ? ['somebody still holds it'] : []),
    ...accountOf(history),
    ...groupsAccountOf(history),
    ...flowAccountOf(history),
    ...migrationsAccountOf(history, (version) => checksumOf(name, version)),
    ...pausesAccountOf(events),
    ...definitionPausesAccountOf(name, control, events),
    ...incidentsAccountOf(events, world.books),
    ...editsAccountOf(correlationId, history, world.books),
    ...signalsAccountOf(events),
    ...familyOf(world, history.last, events),
    ...truthOf({ correlationId, history, state, books: world.books }),
    ...latenessOf(events, world.time.now - world.age + calmAt, isClockTrue),
    ...commandsOnce(events),
    ...(difference === undefined ? [] : [`decided again, ${difference}`]),
  ];
}

/** One append per command, however often it came. */
function commandsOnce(events: readonly RunEvent[]): readonly string[] {
  const commits = new Map<string, number>();
  const wrongs: string[] = [];
  for (const { meta, commit_no } of events as unknown as readonly RecordedEvent[]) {
    // What the engine or a paused definition leads to is no command of anybody's.
    if (meta.actor === 'saga-engine' || meta.actor === WITH_DEFINITION) continue;
    const commit = commits.get(meta.causation_id) ?? commit_no;
    commits.set(meta.causation_id, commit);
    if (commit !== commit_no) wrongs.push(`${meta.causation_id} was carried out twice`);
  }
  return wrongs;
}

/** Replicas that are still alive have nothing in hand, and no safety net has caught anything. */
function leftOvers(world: World, nodes: readonly Node[]): readonly string[] {
  const wrongs: string[] = [];
  let swept = 0;
  for (const { isAlive, isIdle, process, replica } of nodes) {
    swept += replica.status().swept;
    if (isAlive && !isIdle) wrongs.push(`${process.name} still has runs or calls in hand`);
  }
  if (swept > world.strayStreams.size)
    wrongs.push(`the sweep found ${swept} runs, and ${world.strayStreams.size} starts went astray`);
  return wrongs;
}

/** Positions and versions follow one another. */
function gapsOf(world: World): readonly string[] {
  const versions = new Map<string, number>();
  const wrongs: string[] = [];
  world.log.events.forEach(({ position, stream, version }, index) => {
    const expected = (versions.get(stream) ?? 0) + 1;
    versions.set(stream, expected);
    if (position !== index + 1 || version !== expected)
      wrongs.push(`${stream} ${version} stands where ${stream} ${expected} must`);
  });
  return wrongs;
}

function count(world: World, history: History): void {
  const { events, last } = history;
  const { coverage } = world.options;
  for (const { type, data } of events) {
    coverage.met('event', type);
    const step = 'step' in data && data.step !== undefined ? data.step : undefined;
    const compiled = step === undefined ? undefined : last.steps.get(nameAt(step));
    if (compiled) coverage.met('step', compiled.type);
  }
  for (const name of [...casesOf(last, events), ...migrationCasesOf(history)])
    coverage.met('case', name);
}
