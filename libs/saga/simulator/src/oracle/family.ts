import type { RecordedEvent } from '@downbeat/eventsourcing';
import {
  evolveRun,
  NOT_STARTED,
  workflowStream,
  type CompiledDefinition,
  type Run as RunInLog,
  type RunEvent,
} from '@downbeat/saga-domain';
import { workflowIdOf } from '@downbeat/saga-service/testing';
import type { World } from '../world/world';
import { canBeUndone, nameAt } from './places';

type Recorded = RunEvent & Pick<RecordedEvent, 'meta' | 'position'>;

/** What the engine itself says to a run; anything else somebody outside has asked for. */
const ENGINE = 'saga-engine';
const ENDS: ReadonlySet<RunEvent['type']> = new Set([
  'WorkflowCompleted',
  'WorkflowFailed',
  'WorkflowCompensated',
]);

/** Where a run and those that stand for its steps do not agree. */
export function familyOf(
  world: World,
  definition: CompiledDefinition,
  events: readonly RunEvent[],
): readonly string[] {
  const recorded = events as readonly Recorded[];
  const [first] = recorded;
  if (first?.type !== 'WorkflowStarted') return [];
  const addresses = new Set(
    recorded.flatMap(({ data }) => ('step' in data && data.step !== undefined ? [data.step] : [])),
  );
  const wrongs = [...addresses]
    .filter((address) => definition.steps.get(nameAt(address))?.type === 'sub_workflow')
    .flatMap((address) =>
      new Kinship(world, first.data.workflow_id, address, recorded).wrongs.map(
        (wrong) => `${address}: ${wrong}`,
      ),
    );
  return first.data.parent ? [...wrongs, ...untold(recorded)] : wrongs;
}

/** A run that is a step of another has told it of its last end. */
function untold(events: readonly Recorded[]): readonly string[] {
  const ends = events.filter(({ type }) => ENDS.has(type)).length;
  const told = events.findLast((event) => event.type === 'ParentTold')?.data.ends ?? 0;
  return told === ends ? [] : [`it has ended ${ends} times, and its parent was told of ${told}`];
}

/** One step that another run stands for, and that run. */
class Kinship {
  readonly wrongs: string[] = [];
  /** Of the step, in its own run. */
  private readonly asked: readonly Recorded[];
  private readonly child: readonly Recorded[];
  /** The last to undo it or to help it on was somebody outside: it need not be as its parent knows it. */
  private readonly isMeddledWith: boolean;

  constructor(
    private readonly world: World,
    private readonly parent: string,
    private readonly address: string,
    events: readonly Recorded[],
  ) {
    this.asked = events.filter(({ data }) => 'step' in data && data.step === address);
    const stream = workflowStream(workflowIdOf(`${parent}:${address.replace('#', '@')}`));
    this.child = (world.log.streams.get(stream) ?? []) as unknown as readonly Recorded[];
    const turns = this.child.filter(
      ({ type, data }) =>
        type === 'CompensationRequested' ||
        (type === 'RunRetried' && data.timeout_at !== undefined),
    );
    this.isMeddledWith = (turns.at(-1)?.meta.actor ?? ENGINE) !== ENGINE;
    this.begins();
    this.words();
    for (const event of this.asked) this.answer(event);
    if (!this.isMeddledWith) this.last();
  }

  /** It is begun once, by its parent, after that has recorded that it would. */
  private begins(): void {
    const [first] = this.child;
    if (first?.type !== 'WorkflowStarted') return;
    const { parent } = first.data;
    if (parent?.workflow_id !== this.parent || parent.step !== this.address)
      this.wrongs.push('it stands for another step');
    const asked = this.asked.find(({ type }) => type === 'StepStarted');
    if (!asked || asked.position > first.position) this.wrongs.push('nobody had asked for it');
  }

  /** Nothing is said to it that its parent has not recorded. */
  private words(): void {
    const said = (type: RunEvent['type']) =>
      this.child.filter((event) => event.type === type && event.meta.actor === ENGINE).length;
    const asked = (...types: readonly RunEvent['type'][]) =>
      this.asked.filter(({ type }) => types.includes(type)).length;
    if (said('RunRetried') > asked('StepRetried'))
      this.wrongs.push('it was retried more often than its parent asked');
    if (said('CompensationRequested') > asked('UndoStarted', 'UndoRetried'))
      this.wrongs.push('it was undone more often than its parent asked');
  }

  /** What its parent has recorded of it was so by then. */
  private answer(event: Recorded): void {
    const { type, position, data } = event;
    const before = this.child.filter((one) => one.position < position);
    const ends = before.filter((one) => ENDS.has(one.type));
    if (type === 'StepCompleted') {
      const contexts = ends
        .filter((end) => end.type === 'WorkflowCompleted')
        .map((end) => this.stateAt(end.position + 1)?.context);
      if (!contexts.some((context) => JSON.stringify(context) === JSON.stringify(data.output)))
        this.wrongs.push('its parent has an answer that it did not give');
    }
    if (type === 'StepAttemptFailed' && ends.length === 0)
      this.wrongs.push('its parent says that it failed, and it had not ended');
    if (type === 'StepCompensated') {
      const state = this.stateAt(position);
      const isUnderWay = state?.status === 'running' || state?.status === 'compensating';
      if (isUnderWay && this.undoneBefore(before) < 0)
        this.wrongs.push('its parent says that it is undone, and it was under way');
      this.nothingStands(state, position, 'when its parent said it was undone');
    }
  }

  /**
   * Where its parent asked for the undoing that had ended when somebody outside asked for what that left
   * standing: the word of that end may come when it is under way again. Otherwise -1.
   */
  private undoneBefore(before: readonly Recorded[]): number {
    const isAsked = ({ type }: Recorded) => type === 'CompensationRequested';
    const newest = before.findLastIndex(isAsked);
    if (newest < 0 || before[newest]?.meta.actor === ENGINE) return -1;
    const earlier = before.slice(0, newest);
    const own = earlier.findLastIndex((one) => isAsked(one) && one.meta.actor === ENGINE);
    const hasEnded = earlier.slice(own).some(({ type }) => type === 'WorkflowCompensated');
    return hasEnded ? own : -1;
  }

  /** In the end both say the same. */
  private last(): void {
    const word = this.asked.findLast(
      ({ type }) => type === 'StepCompleted' || type === 'StepFailed' || type === 'StepCompensated',
    );
    const end = this.child.findLast(({ type }) => ENDS.has(type))?.type;
    const state = this.stateAt(Number.POSITIVE_INFINITY);
    if (word?.type === 'StepCompleted' && end !== 'WorkflowCompleted')
      this.wrongs.push(`its parent counts on it, and its end is ${end ?? 'not there'}`);
    if (word?.type === 'StepCompensated') this.nothingStands(state, word.position, 'in the end');
    const hasFailed = word?.type === 'StepFailed' && word.data.outcome === 'failed';
    if (hasFailed && end === 'WorkflowCompleted')
      this.wrongs.push('its parent has given it up, and it has completed');
  }

  /** @param saidAt Where its parent said so. */
  private nothingStands(state: RunInLog | undefined, saidAt: number, when: string): void {
    const planned = this.stateAt(this.plannedAt(saidAt));
    const definition = planned && this.world.known.of(planned)?.compiled;
    const standing = (state?.effects ?? []).filter(
      ({ step }) => canBeUndone(definition?.steps.get(nameAt(step))) && !this.isSkipped(step),
    );
    if (standing.length > 0)
      this.wrongs.push(`${standing.map(({ step }) => step).join(', ')} of it stood ${when}`);
  }

  /**
   * Where it was last said what is undone for its parent. What only a version can undo that it migrated
   * to behind that was not asked for: the plan stays.
   */
  private plannedAt(saidAt: number): number {
    const before = this.child.filter(({ position }) => position < saidAt);
    const newest = before.findLastIndex(({ type }) => type === 'CompensationRequested');
    const own = this.undoneBefore(before);
    const asked = own < 0 ? newest : own;
    if (before[asked]?.meta.actor !== ENGINE) return saidAt;
    const planned = before.slice(asked).find(({ type }) => type === 'CompensationStarted');
    return planned?.position ?? saidAt;
  }

  /** A person has given up its undo. */
  private isSkipped(step: string): boolean {
    return this.child.some(
      ({ type, data }) =>
        type === 'IncidentResolved' && data.action === 'skip' && data.step === step,
    );
  }

  private stateAt(position: number): RunInLog | undefined {
    const state = this.child
      .filter((event) => event.position < position)
      .reduce(evolveRun, NOT_STARTED);
    return 'steps' in state ? state : undefined;
  }
}
