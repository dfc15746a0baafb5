import type { Json, RecordedEvent } from '@downbeat/eventsourcing';
import {
  causeOf,
  evolveRun,
  NOT_STARTED,
  runDecider,
  type RunCommand,
  type RunDecider,
  type RunEvent,
  type RunState,
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

type RunReplay = DeciderReplay<RunState, RunCommand, RunEvent>;

class WorkflowReplay implements Replay {
  private replay: RunReplay | undefined;

  constructor(private readonly find: FindDefinition) {}

  state(): Json {
    return this.replay?.state() ?? null;
  }

  async apply(events: readonly RecordedEvent[]): Promise<Comparison> {
    this.replay ??= new DeciderReplay(await this.deciderOf(events[0]), causeOf);
    return this.replay.apply(events);
  }

  private async deciderOf(
    first: RecordedEvent | undefined,
  ): Promise<Omit<RunDecider, 'transition'>> {
    const definition =
      first?.type === 'WorkflowStarted'
        ? await this.find(first.data as WorkflowStarted['data'])
        : 'the stream does not begin with the start of a run';
    return typeof definition === 'string' ? undecided(definition) : runDecider(definition);
  }
}

/** Folds without a definition, and says why nothing can be decided. */
const undecided = (why: string): Omit<RunDecider, 'transition'> => ({
  initialState: NOT_STARTED,
  evolve: evolveRun,
  decide: () => {
    throw new RangeError(why);
  },
});
