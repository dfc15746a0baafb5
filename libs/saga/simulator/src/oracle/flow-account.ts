import type { CompiledDefinition, RunEvent } from '@downbeat/saga-domain';
import type { History } from './history';
import { branchesAround, nameAt } from './places';

/** What is wrong with the way a run took by its events alone: each step begins where the one before it led. */
export function flowAccountOf(
  history: History,
  events: readonly RunEvent[] = history.events,
): readonly string[] {
  const account = new FlowAccount(history);
  for (const event of events) account.take(event);
  return account.wrongs;
}

const END = 'end';

class FlowAccount {
  readonly wrongs: string[] = [];
  /** Where each sequence goes on, by where it stands: `group/branch`, or nothing for the outermost. */
  private readonly ahead = new Map<string, string>();

  private readonly past: RunEvent[] = [];
  private definition: CompiledDefinition;

  constructor(private readonly history: History) {
    this.definition = history.first;
  }

  take(event: RunEvent): void {
    this.past.push(event);
    switch (event.type) {
      case 'StepStarted':
      case 'DelayStarted':
      case 'SignalAwaited':
      case 'ParallelStarted':
      case 'MapStarted':
        this.begins(event.data.step);
        break;
      case 'StepSkipped':
      case 'DecisionTaken':
        this.begins(event.data.step);
        this.goesOn(event.data.step, event.data.goto);
        break;
      case 'EventPublished':
        this.begins(event.data.step);
        this.goesOn(event.data.step);
        break;
      case 'StepCompleted':
      case 'DelayElapsed':
      case 'SignalTaken':
      case 'ParallelCompleted':
        this.joined(event.data.step);
        this.goesOn(event.data.step);
        break;
      case 'MapCompleted':
        this.goesOn(event.data.step);
        break;
      case 'SignalMissed':
        if (event.data.default !== undefined) this.goesOn(event.data.step);
        break;
      case 'StepFailed': {
        const { step, caught, optional } = event.data;
        // A signal was taken, and cannot be used: it does not lead on.
        this.ahead.set(this.placeOf(step), nameAt(step));
        if (caught || optional) this.goesOn(step, caught?.goto);
        break;
      }
      case 'RaceWon':
        this.ended(
          `${event.data.step}/${event.data.branch}`,
          this.firstIn(event.data.step, event.data.branch),
        );
        break;
      case 'MapItemCompleted':
      case 'MapItemFailed': {
        const { step, index } = event.data;
        this.ended(`${step}/${index}`, this.firstIn(step, String(index)));
        break;
      }
      case 'WorkflowCompleted':
        this.ended('', this.definition.first);
        break;
      case 'WorkflowMigrated':
        if (this.history.behind(event, this.definition) !== this.definition)
          this.migrated(this.history.behind(event, this.definition));
        break;
      case 'CallHeld':
      case 'CallReleased':
      case 'CompensationRequested':
      case 'CompensationStarted':
      case 'GroupFailed':
      case 'IncidentOpened':
      case 'IncidentResolved':
      case 'MapItemStarted':
      case 'ParentTold':
      case 'RaceUndoStarted':
      case 'RunRetried':
      case 'SignalReceived':
      case 'StepAttemptFailed':
      case 'StepCompensated':
      case 'StepRetried':
      case 'UndoAttemptFailed':
      case 'UndoParked':
      case 'UndoRetried':
      case 'UndoStarted':
      case 'WaitAbandoned':
      case 'WorkflowArchived':
      case 'WorkflowCompensated':
      case 'WorkflowFailed':
      case 'WorkflowPaused':
      case 'WorkflowPurged':
      case 'WorkflowRestored':
      case 'WorkflowResumed':
      case 'WorkflowStarted':
      case 'WorkflowTimedOut':
        break;
    }
  }

  /** Where it goes on now is where it would be, had it gone by that all along. */
  private migrated(to: CompiledDefinition): void {
    const anew = new FlowAccount({ ...this.history, first: to, behind: (_, before) => before });
    for (const event of this.past) anew.take(event);
    for (const [place, name] of anew.ahead) this.ahead.set(place, name);
    this.definition = to;
  }

  private begins(address: string): void {
    const place = this.placeOf(address);
    const expected = this.ahead.get(place) ?? this.first(address);
    if (expected !== nameAt(address)) this.wrongs.push(`${address} begins where ${expected} must`);
    this.ahead.set(place, nameAt(address));
  }

  private goesOn(address: string, goto?: string): void {
    const next = goto ?? this.definition.steps.get(nameAt(address))?.next ?? END;
    this.ahead.set(this.placeOf(address), next);
  }

  /** Unless one of its branches has won it, all of them are done. */
  private joined(address: string): void {
    const step = this.definition.steps.get(nameAt(address));
    if (step?.type !== 'parallel' || step.join === 'race') return;
    for (const { name, first } of step.branches) this.ended(`${address}/${name}`, first);
  }

  private ended(place: string, first: string): void {
    const ahead = this.ahead.get(place) ?? first;
    if (ahead !== END) this.wrongs.push(`${place || 'the run'} is done, and ${ahead} is to come`);
  }

  private placeOf(address: string): string {
    const [around] = branchesAround(this.definition, address);
    return around ? `${around.group}/${around.branch}` : '';
  }

  private first(address: string): string {
    const [around] = branchesAround(this.definition, address);
    return around ? this.firstIn(around.group, around.branch) : this.definition.first;
  }

  private firstIn(group: string, branch: string): string {
    const step = this.definition.steps.get(nameAt(group));
    if (step?.type === 'map') return step.first;
    const found = step?.type === 'parallel' && step.branches.find(({ name }) => name === branch);
    return found ? found.first : END;
  }
}
