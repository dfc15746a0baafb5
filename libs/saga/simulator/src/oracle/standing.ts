import type { CompensationStrategy, CompiledDefinition, RunEvent } from '@downbeat/saga-domain';
import { isUndoable, nameAt, outermost } from './places';

interface Effect {
  readonly step: string;
  readonly isUnknown: boolean;
}

/** What a request to undo names beside its strategy. */
export interface Asked {
  readonly customSteps?: readonly string[] | undefined;
  readonly savepoint?: string | undefined;
}

/** What a run has done that stands, and how far it has come, by its events: so, what is to be undone. */
export class Standing {
  /** Oldest first. */
  private effects: readonly Effect[] = [];
  /** Steps of the outermost sequence, in the order in which they were reached. */
  private readonly reached: string[] = [];
  /** Those that the run went on behind. */
  private readonly passed = new Set<string>();
  private readonly openGroups = new Set<string>();

  constructor(private definition: CompiledDefinition) {}

  /** The run has migrated. */
  goesBy(definition: CompiledDefinition): void {
    this.definition = definition;
  }

  take(event: RunEvent): void {
    const { type, data } = event;
    if (REACHING.has(type) && 'step' in data && data.step !== undefined) this.reach(data.step);
    if (PASSING.has(type) && 'step' in data && data.step !== undefined) this.passed.add(data.step);
    if (type === 'ParallelStarted' || type === 'MapStarted') this.openGroups.add(data.step);
    if (type === 'ParallelCompleted' || type === 'MapCompleted') this.openGroups.delete(data.step);
    if (type === 'SignalMissed' && data.default !== undefined) this.passed.add(data.step);
    if (type === 'StepCompleted') this.stands(data.step, false);
    if (type === 'StepFailed') {
      if (data.outcome !== 'failed' || data.undo)
        this.stands(data.step, data.outcome === 'unknown');
      if (data.optional || data.caught) this.passed.add(data.step);
      else this.passed.delete(data.step);
    }
    const isByHand = type === 'IncidentResolved' && data.action === 'done_by_hand';
    if (type === 'StepCompensated' || isByHand)
      this.effects = this.effects.filter(({ step }) => step !== data.step);
  }

  /** Oldest first. */
  get undoable(): readonly string[] {
    return this.effects.map(({ step }) => step).filter((step) => isUndoable(this.definition, step));
  }

  /** Newest first. */
  plan(strategy: CompensationStrategy, asked: Asked): readonly string[] {
    const all = this.undoable.toReversed();
    const { customSteps = this.definition.customSteps } = asked;
    switch (strategy) {
      case 'all':
        return all;
      case 'none':
        return [];
      case 'custom':
        return all.filter((step) => customSteps.includes(nameAt(step)));
      case 'partial':
        return all.filter((step) => this.isBehind(outermost(this.definition, step), asked));
    }
  }

  /** The name of the savepoint that a partial undoing goes back to. */
  savepoint({ savepoint }: Asked): string | undefined {
    const isPassed = (name: string): boolean =>
      this.passed.has(name) && this.nameOf(name) !== undefined;
    const newest = this.reached.findLast(isPassed);
    return savepoint ?? (newest === undefined ? undefined : this.nameOf(newest));
  }

  private isBehind(group: string, asked: Asked): boolean {
    if (this.definition.savepoints.size === 0) return this.isBehindPointOfNoReturn(group);
    const back = this.savepoint(asked);
    if (back === undefined) return true;
    const place = this.reached.findIndex((name) => this.nameOf(name) === back);
    return this.reached.indexOf(group) > place;
  }

  /** Nothing in the group or after it is done for good; a group that was cut short has no such thing. */
  private isBehindPointOfNoReturn(group: string): boolean {
    const groups = [
      ...new Set(this.effects.toReversed().map(({ step }) => outermost(this.definition, step))),
    ];
    return groups
      .slice(0, groups.indexOf(group) + 1)
      .every((one) => this.openGroups.has(one) || !this.isForGood(one));
  }

  private isForGood(group: string): boolean {
    return this.effects.some(({ step, isUnknown }) => {
      const compiled = this.definition.steps.get(nameAt(step));
      const isLasting =
        compiled?.type === 'service_call' && !compiled.undo && compiled.call.method !== 'GET';
      return isLasting && !isUnknown && outermost(this.definition, step) === group;
    });
  }

  private nameOf(name: string): string | undefined {
    return this.definition.steps.get(name)?.savepoint;
  }

  private reach(address: string): void {
    const isOutermost = outermost(this.definition, address) === address;
    if (isOutermost && !this.reached.includes(address)) this.reached.push(address);
  }

  private stands(step: string, isUnknown: boolean): void {
    this.effects = [...this.effects.filter((other) => other.step !== step), { step, isUnknown }];
  }
}

const REACHING: ReadonlySet<RunEvent['type']> = new Set([
  'StepStarted',
  'StepFailed',
  'StepSkipped',
  'DecisionTaken',
  'ParallelStarted',
  'MapStarted',
  'DelayStarted',
  'EventPublished',
  'SignalAwaited',
]);
const PASSING: ReadonlySet<RunEvent['type']> = new Set([
  'StepCompleted',
  'StepSkipped',
  'DecisionTaken',
  'DelayElapsed',
  'EventPublished',
  'SignalTaken',
  'ParallelCompleted',
  'MapCompleted',
]);
