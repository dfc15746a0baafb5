import type { CompiledDefinition, RunEvent } from '@downbeat/saga-domain';

/** What a run went by, from its start through its migrations. */
export interface History {
  readonly events: readonly RunEvent[];
  /** What it began with. */
  readonly first: CompiledDefinition;
  /** What it goes by at last. Every step that it ever reached is in it, as what it was. */
  readonly last: CompiledDefinition;
  /** What it went by behind an event; of an event that is no migration, what it went by before. */
  readonly behind: (event: RunEvent, before: CompiledDefinition) => CompiledDefinition;
}

/** @param find A version of its definition; undefined: nobody has registered it. */
export function historyOf(
  events: readonly RunEvent[],
  otherwise: CompiledDefinition,
  find: (version: string) => CompiledDefinition | undefined,
): History {
  const behind: History['behind'] = ({ type, data }, before) =>
    (type === 'WorkflowMigrated' ? find(data.to_version) : undefined) ?? before;
  const [started] = events;
  const first =
    (started?.type === 'WorkflowStarted' ? find(started.data.workflow_version) : undefined) ??
    otherwise;
  const last = events.reduce((before, event) => behind(event, before), first);
  return { events, first, last, behind };
}
