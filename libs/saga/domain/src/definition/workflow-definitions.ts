import type { WorkflowDefinition } from '@downbeat/contracts';
import {
  Rejection,
  streamName,
  type Command,
  type Decider,
  type Instant,
  type Message,
  type StreamName,
} from '@downbeat/eventsourcing';
import { compileDefinition } from './compile';

/** `checksum`: of `canonicalJson(data)`, made by the sender with a cryptographic hash. */
export interface RegisterWorkflowDefinition extends Command<
  'RegisterWorkflowDefinition',
  WorkflowDefinition
> {
  readonly checksum: string;
}

export type WorkflowDefinitionRegistered = Message<
  'WorkflowDefinitionRegistered',
  {
    readonly name: string;
    readonly version: string;
    readonly checksum: string;
    readonly definition: WorkflowDefinition;
    readonly at: Instant;
  }
>;

/** The checksum of each version of one workflow. */
export type DefinitionVersions = ReadonlyMap<string, string>;

export const workflowDefinitionStream = (name: string): StreamName =>
  streamName('workflow-definition', name);

/** All versions of one workflow: each said once and never changed. */
export const workflowDefinitions: Decider<
  DefinitionVersions,
  RegisterWorkflowDefinition,
  WorkflowDefinitionRegistered
> = {
  initialState: new Map(),

  decide({ data, at, checksum }, versions) {
    const compiled = compileDefinition(data);
    if (compiled instanceof Rejection) return compiled;
    const { name, version } = data;
    const registered = versions.get(version);
    if (registered === checksum) return [];
    if (registered !== undefined)
      return new Rejection(
        'definition-version-exists',
        `${name} ${version} is registered with another content; raise the version`,
        'conflict',
        [{ field: 'version', message: 'is registered with another content' }],
      );
    return [
      {
        type: 'WorkflowDefinitionRegistered',
        data: { name, version, checksum, definition: data, at },
      },
    ];
  },

  evolve: (versions, { data: { version, checksum } }) => new Map(versions).set(version, checksum),
};
