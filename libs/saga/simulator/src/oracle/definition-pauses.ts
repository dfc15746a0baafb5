import type { RecordedEvent } from '@downbeat/eventsourcing';
import type { DefinitionPaused, RunEvent } from '@downbeat/saga-domain';

type Recorded = RunEvent & Pick<RecordedEvent, 'meta' | 'position'>;

/** Who pauses and resumes runs with their definition. */
export const WITH_DEFINITION = 'saga-definitions';

/**
 * What is wrong with how a run was paused and resumed with its definition.
 *
 * @param control What operators have said of the definition.
 */
export function definitionPausesAccountOf(
  name: string,
  control: readonly unknown[],
  events: readonly RunEvent[],
): readonly string[] {
  const wrongs: string[] = [];
  const said = control as readonly (DefinitionPaused & RecordedEvent)[];
  const followed = new Set<number>();
  let isWithIt = false;
  for (const { type, data, meta, position } of events as readonly Recorded[]) {
    const isKeeper = meta.actor === WITH_DEFINITION;
    // One that comes back from the archive is asked anew.
    if (type === 'WorkflowRestored') followed.clear();
    if (type === 'WorkflowPaused') {
      const { definition_pause: pause } = data;
      isWithIt = isKeeper;
      if ((pause !== undefined) !== isKeeper)
        wrongs.push(`${meta.actor} has paused it as ${pause}`);
      if (pause === undefined) continue;
      if (followed.has(pause)) wrongs.push(`it was paused twice with pause ${pause} of ${name}`);
      followed.add(pause);
      const before = said.find(
        (one) => one.type === 'DefinitionPaused' && one.data.pause_no === pause,
      );
      if (!before || before.position > position || before.data.runs !== 'pause')
        wrongs.push(`it was paused with pause ${pause} of ${name}, which is none`);
    }
    if (type === 'WorkflowResumed' && isKeeper && !isWithIt)
      wrongs.push('somebody had paused it, and it was resumed with its definition');
  }
  return wrongs;
}
