import type { Json, RecordedEvent } from '@downbeat/eventsourcing';
import {
  causeOf,
  evolveRun,
  isStarted,
  NOT_STARTED,
  runDecider,
  versionOf,
  type CompiledDefinition,
  type RunCommand,
  type RunDecider,
  type RunEvent,
  type RunState,
  type WorkflowMigrated,
  type WorkflowStarted,
} from '@downbeat/saga-domain';
import { DeciderReplay } from './decider-replay';
import type { Comparison, Replay, Replayer } from './replayer';
import type { FindDefinition } from './workflow-definitions';

/** Runs: the answers that came in are in the log, so every decision can be made again from them. */
export const workflowReplayer = (find: FindDefinition): Replayer => ({
  context: 'saga',
  begin: () => new WorkflowReplay(find),
});

type Decides = Omit<RunDecider, 'transition'>;

class WorkflowReplay implements Replay {
  /** What the run goes by, by version: several when it has migrated. */
  private readonly deciders = new Map<string, Decides>();
  private name = '';
  private target: CompiledDefinition | undefined;
  private readonly replay = new DeciderReplay<RunState, RunCommand, RunEvent>(
    {
      initialState: NOT_STARTED,
      evolve: evolveRun,
      decide: (command, state) => this.deciderFor(command, state).decide(command, state),
    },
    (events, before) => causeOf(events, before, this.target),
  );

  constructor(private readonly find: FindDefinition) {}

  state(): Json {
    return this.replay.state();
  }

  async apply(events: readonly RecordedEvent[]): Promise<Comparison> {
    const [first] = events;
    this.target = undefined;
    if (first?.type === 'WorkflowStarted') {
      const { workflow_name, workflow_version, checksum } = first.data as WorkflowStarted['data'];
      this.name = workflow_name;
      await this.learn(workflow_version, checksum);
    }
    // Of an archived run it is the second event: the run is restored first.
    const migration = events.find(({ type }) => type === 'WorkflowMigrated');
    if (migration) {
      const { to_version, checksum } = migration.data as WorkflowMigrated['data'];
      this.target = await this.learn(to_version, checksum);
    }
    return this.replay.apply(events);
  }

  private async learn(version: string, checksum: string): Promise<CompiledDefinition | undefined> {
    const found = await this.find({
      workflow_name: this.name,
      workflow_version: version,
      checksum,
    });
    const isFound = typeof found !== 'string';
    this.deciders.set(version, isFound ? runDecider(found) : undecided(found));
    return isFound ? found : undefined;
  }

  private deciderFor(command: RunCommand, state: RunState): Decides {
    const version = isStarted(state)
      ? versionOf(state)
      : command.type === 'StartWorkflow'
        ? (command.data.workflow_version ?? '')
        : '';
    return (
      this.deciders.get(version) ?? undecided('the stream does not begin with the start of a run')
    );
  }
}

/** Folds without a definition, and says why nothing can be decided. */
const undecided = (why: string): Decides => ({
  initialState: NOT_STARTED,
  evolve: evolveRun,
  decide: () => {
    throw new RangeError(why);
  },
});
