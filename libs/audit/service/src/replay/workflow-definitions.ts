import { createHash } from 'node:crypto';
import type { WorkflowDefinition } from '@downbeat/contracts';
import type { AuditLog } from '@downbeat/event-store';
import { Rejection, type Json } from '@downbeat/eventsourcing';
import {
  canonicalJson,
  compileDefinition,
  workflowDefinitions,
  workflowDefinitionStream,
  type CompiledDefinition,
  type RegisterWorkflowDefinition,
  type WorkflowDefinitionRegistered,
  type WorkflowStarted,
} from '@downbeat/saga-domain';
import { DeciderReplay } from './decider-replay';
import type { Replayer } from './replayer';
import { eventsOf } from './stream-events';

export const workflowDefinitionReplayer: Replayer = {
  context: 'saga',
  begin: () => new DeciderReplay(workflowDefinitions, ([event]) => event && causeOf(event)),
};

/** The checksum is made anew: a definition altered later does not give the one that was stored. */
const causeOf = ({ data }: WorkflowDefinitionRegistered): RegisterWorkflowDefinition => ({
  type: 'RegisterWorkflowDefinition',
  data: data.definition,
  at: data.at,
  checksum: checksumOf(data.definition),
});

const checksumOf = (definition: WorkflowDefinition): string =>
  createHash('sha256')
    .update(canonicalJson(definition as unknown as Json))
    .digest('hex');

/** What a run goes by, compiled; a sentence when that cannot be told any more. */
export type FindDefinition = (
  pinned: Pick<WorkflowStarted['data'], 'workflow_name' | 'workflow_version' | 'checksum'>,
) => Promise<CompiledDefinition | string>;

/** Looks definitions up in the log; each is read once per replay. */
export function definitionsOf(log: AuditLog): FindDefinition {
  const found = new Map<string, Promise<CompiledDefinition | string>>();
  return ({ workflow_name, workflow_version, checksum }) => {
    const key = `${workflow_name} ${workflow_version} ${checksum}`;
    const known = found.get(key) ?? find(log, workflow_name, workflow_version, checksum);
    found.set(key, known);
    return known;
  };
}

async function find(
  log: AuditLog,
  name: string,
  version: string,
  checksum: string,
): Promise<CompiledDefinition | string> {
  const what = `the definition ${name} ${version}`;
  for await (const { type, data } of eventsOf(log, workflowDefinitionStream(name))) {
    if (type !== 'WorkflowDefinitionRegistered') continue;
    const registered = data as WorkflowDefinitionRegistered['data'];
    if (registered.version !== version) continue;
    if (checksumOf(registered.definition) !== checksum)
      return `${what} in the log is not the one the run went by`;
    const compiled = compileDefinition(registered.definition);
    return compiled instanceof Rejection
      ? `${what} is refused today: ${compiled.message}`
      : compiled;
  }
  return `${what} is not in the log`;
}
