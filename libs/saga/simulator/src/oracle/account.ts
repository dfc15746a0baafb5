import { epochMs } from '@downbeat/eventsourcing';
import type { CompensationStrategy, CompiledDefinition, RunEvent } from '@downbeat/saga-domain';
import { Dues } from './dues';
import type { History } from './history';
import { branchesAround, isWithin, nameAt } from './places';
import { Standing, type Asked } from './standing';

type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;

/** What is wrong with a run's calls and undos by its events alone: an account of its own, which shares no code with the rules. */
export function accountOf(history: History): readonly string[] {
  const account = new Account(history);
  for (const event of history.events) account.take(event);
  return account.wrongs;
}

const MAY_FOLLOW_AN_END: ReadonlySet<RunEvent['type']> = new Set([
  'CompensationRequested',
  'RunRetried',
  'ParentTold',
  'WorkflowArchived',
  'WorkflowRestored',
  'WorkflowMigrated',
  'WorkflowPurged',
]);

class Account {
  readonly wrongs: string[] = [];
  private readonly standing: Standing;
  private readonly dues = new Dues();
  /** Effects whose undo an operator has given up. */
  private readonly skipped = new Set<string>();
  /** Calls that wait, unsent. */
  private readonly held = new Set<string>();
  private asked: Asked = {};
  private isAsked = false;
  private plan: readonly string[] = [];
  private strategy: CompensationStrategy = 'all';
  private defined: CompensationStrategy = 'all';
  private readonly doubtful = new Set<string>();
  private readonly ended = new Set<string>();
  private readonly attempts = new Map<string, number>();
  private readonly winners = new Map<string, string>();
  private ends = 0;
  private told = 0;
  private hasEnded = false;
  private hasBegun = false;
  private isArchived = false;
  private isPurged = false;
  private isUndoing = false;

  private definition: CompiledDefinition;
  /** A race undoes what its losers did as it was planned, whatever could be undone since. */
  private hasMigratedInRace = false;

  constructor(private readonly history: History) {
    this.definition = history.first;
    this.standing = new Standing(history.first);
  }

  take(event: RunEvent): void {
    if (this.hasEnded && !MAY_FOLLOW_AN_END.has(event.type))
      this.wrong(`${event.type} follows its end`);
    if (this.isPurged) this.wrong(`${event.type} of a run that was purged`);
    this.dues.take(event);
    this.standing.take(event);
    switch (event.type) {
      case 'WorkflowStarted':
        if (this.hasBegun) this.wrong('it began twice');
        this.hasBegun = true;
        this.strategy = this.defined = event.data.compensation_strategy;
        this.dues.set('timeout', event.data.timeout_at, event.data.at);
        break;
      case 'StepStarted':
      case 'StepRetried':
        if (this.isUndoing) this.wrong(`${event.data.step} is called while the run is undone`);
        if (this.ended.has(event.data.step)) this.wrong(`${event.data.step} is called again`);
        this.called('step', event);
        break;
      case 'UndoStarted':
      case 'UndoRetried':
        if (this.plan[0] !== event.data.step)
          this.wrong(`${event.data.step} is undone out of turn`);
        this.called('undo', event);
        break;
      case 'StepAttemptFailed':
      case 'UndoAttemptFailed': {
        const { step, attempt, kind, status, reissued, outcome, retry_at } = event.data;
        const purpose = event.type === 'StepAttemptFailed' ? 'step' : 'undo';
        const isSure =
          !reissued &&
          (kind === 'refused' || (kind === 'answer' && status !== 502 && status !== 504));
        if (!isSure) this.doubtful.add(`${purpose} ${step}`);
        if ((outcome === 'failed') !== isSure)
          this.wrong(`${purpose} ${step} ${attempt} counts as ${outcome}`);
        if (this.attempts.get(`${purpose} ${step}`) !== attempt)
          this.wrong(`an answer to ${purpose} ${step} ${attempt}, which is not its newest call`);
        if (retry_at !== undefined) this.dues.set(`${purpose} ${step}`, retry_at, event.data.at);
        break;
      }
      case 'StepCompleted':
        if (this.ended.has(event.data.step)) this.wrong(`${event.data.step} completed twice`);
        if (this.isUndoing) this.wrong(`${event.data.step} completed while the run is undone`);
        if (this.attempts.get(`step ${event.data.step}`) !== event.data.attempt)
          this.wrong(`${event.data.step} completed by a call that is not its newest`);
        this.ended.add(event.data.step);
        break;
      case 'StepFailed': {
        const { step, outcome } = event.data;
        const expected = this.doubtful.has(`step ${step}`) ? 'unknown' : 'failed';
        if (outcome !== 'unusable' && outcome !== expected)
          this.wrong(`${step} ended as ${outcome} and must be ${expected}`);
        if (event.data.undo !== this.isUndoneAllTheSame(event.data))
          this.wrong(`${step} failed for sure, and ${event.data.undo ? 'is' : 'is not'} undone`);
        break;
      }
      case 'DelayStarted':
        this.dues.set(`delay ${event.data.step}`, event.data.until, event.data.at);
        break;
      case 'DelayElapsed': {
        const due = this.dues.over(`delay ${event.data.step}`);
        if (due === undefined || epochMs(event.data.at) < due)
          this.wrong(`the delay ${event.data.step} is over too early`);
        break;
      }
      case 'WorkflowTimedOut':
        if (epochMs(event.data.at) < (this.dues.over('timeout') ?? Number.POSITIVE_INFINITY))
          this.wrong('it timed out too early');
        break;
      case 'WaitAbandoned':
        for (const what of ['step', 'delay', 'undo']) this.dues.over(`${what} ${event.data.step}`);
        break;
      case 'CompensationRequested': {
        const { strategy, custom_steps: customSteps, to_savepoint: savepoint } = event.data;
        this.hasEnded = false;
        this.strategy = strategy;
        this.asked = { customSteps, savepoint };
        this.isAsked = true;
        break;
      }
      case 'CompensationStarted':
        this.planned(event.data);
        break;
      case 'IncidentResolved':
        this.resolved(event.data);
        break;
      case 'StepCompensated': {
        const { step } = event.data;
        if (this.plan[0] !== step) this.wrong(`${step} was undone out of turn`);
        this.plan = this.plan.slice(1);
        this.isUndone(step);
        break;
      }
      case 'StepSkipped':
        // What the losers of a race did stands, when somebody goes on behind it.
        if (event.data.reason === 'passed-over') this.plan = [];
        break;
      case 'RunRetried':
        this.hasEnded = false;
        if (event.data.timeout_at === undefined) break;
        this.strategy = this.defined;
        this.asked = {};
        this.isAsked = false;
        this.dues.set('timeout', event.data.timeout_at, event.data.at);
        break;
      case 'WorkflowCompleted':
      case 'WorkflowFailed':
        this.end();
        if (this.isUndoing) this.wrong(`${event.type} while the run is undone`);
        if (event.type === 'WorkflowCompleted' && this.plan.length > 0)
          this.wrong(`${this.plan.join(', ')} was not undone`);
        if (event.type === 'WorkflowFailed') this.leaves(this.expected());
        break;
      case 'WorkflowCompensated': {
        this.end();
        this.isUndoing = false;
        if (this.plan.length > 0) this.wrong(`${this.plan.join(', ')} was not undone`);
        const standing = this.standing.undoable;
        if (standing.join() !== event.data.standing_steps.join())
          this.wrong(`${standing.join(', ')} stands, and is not said to`);
        break;
      }
      case 'CallHeld':
      case 'CallReleased': {
        const { purpose, step, attempt } = event.data;
        if (this.attempts.get(`${purpose} ${step}`) !== attempt)
          this.wrong(
            `${event.type} of ${purpose} ${step} ${attempt}, which is not its newest call`,
          );
        if (event.type === 'CallReleased') this.held.delete(`${purpose} ${step}`);
        else this.held.add(`${purpose} ${step}`);
        if (event.type === 'CallHeld' && event.data.reissued)
          this.doubtful.add(`${purpose} ${step}`);
        break;
      }
      case 'WorkflowMigrated':
        this.definition = this.history.behind(event, this.definition);
        this.standing.goesBy(this.definition);
        this.hasMigratedInRace = true;
        // Until somebody has asked for another one.
        this.defined = this.definition.strategy;
        if (!this.isAsked) this.strategy = this.defined;
        break;
      case 'WorkflowArchived':
      case 'WorkflowRestored':
        if (this.isArchived === (event.type === 'WorkflowArchived'))
          this.wrong(`${event.type} of a run that is where it would be`);
        this.isArchived = event.type === 'WorkflowArchived';
        break;
      case 'WorkflowPurged':
        if (!this.isArchived) this.wrong('it was purged, and was not in the archive');
        this.isPurged = true;
        break;
      case 'RaceWon':
        this.winners.set(event.data.step, event.data.branch);
        break;
      case 'RaceUndoStarted':
        this.racePlanned(event.data.step, event.data.steps);
        break;
      case 'ParallelCompleted': {
        const left = this.losersOf(event.data.step).filter((step) => !this.skipped.has(step));
        if (left.length > 0 && !this.hasMigratedInRace)
          this.wrong(`${left.join(', ')} lost and stands`);
        break;
      }
      case 'ParentTold':
        if (event.data.ends <= this.told || event.data.ends > this.ends)
          this.wrong(`its parent was told of end ${event.data.ends} of ${this.ends}`);
        this.told = event.data.ends;
        break;
      case 'DecisionTaken':
      case 'ParallelStarted':
      case 'UndoParked':
      case 'IncidentOpened':
      case 'WorkflowPaused':
      case 'WorkflowResumed':
      case 'MapStarted':
      case 'MapItemStarted':
      case 'MapItemCompleted':
      case 'MapItemFailed':
      case 'MapCompleted':
      case 'GroupFailed':
      case 'EventPublished':
      case 'SignalAwaited':
      case 'SignalReceived':
      case 'SignalTaken':
      case 'SignalMissed':
        break;
    }
  }

  private called(
    purpose: 'step' | 'undo',
    {
      type,
      data: { step, attempt, at },
    }: Extract<RunEvent, { type: 'StepStarted' | 'StepRetried' | 'UndoStarted' | 'UndoRetried' }>,
  ): void {
    const id = `${purpose} ${step}`;
    const before = this.attempts.get(id) ?? 0;
    if (attempt !== before + 1) this.wrong(`call ${attempt} of ${id} follows call ${before}`);
    this.attempts.set(id, attempt);
    this.held.delete(id);
    const due = this.dues.over(id);
    if (due !== undefined && epochMs(at) < due && type.endsWith('Retried'))
      this.wrong(`call ${attempt} of ${id} is made too early`);
    const compiled = this.definition.steps.get(nameAt(step));
    const isCalled = compiled?.type === 'service_call' || compiled?.type === 'sub_workflow';
    const call = !isCalled ? undefined : purpose === 'step' ? compiled.call : compiled.undo;
    if (!call) this.wrong(`${id} cannot be called`);
  }

  private planned({ strategy, steps, to_savepoint }: EventOf<'CompensationStarted'>['data']): void {
    this.isUndoing = true;
    this.plan = steps;
    const expected = this.expected();
    if (strategy !== this.strategy) this.wrong(`it is undone by ${strategy}, not ${this.strategy}`);
    if (steps.join() !== expected.join() || steps.length === 0)
      this.wrong(`the plan is ${steps.join(', ')}, and must be ${expected.join(', ')}`);
    const savepoint = strategy === 'partial' ? this.standing.savepoint(this.asked) : undefined;
    if (to_savepoint !== savepoint)
      this.wrong(
        `it goes back to ${to_savepoint ?? 'no savepoint'}, not ${savepoint ?? 'to none'}`,
      );
  }

  private expected(): readonly string[] {
    return this.standing.plan(this.strategy, this.asked);
  }

  private leaves(steps: readonly string[]): void {
    if (steps.length > 0) this.wrong(`it failed, and ${steps.join(', ')} is to be undone`);
  }

  private resolved({ step, action }: EventOf<'IncidentResolved'>['data']): void {
    if (action === 'retry' || action === 'overtaken') return;
    if (this.plan[0] !== step) this.wrong(`${step} is given up out of turn`);
    this.plan = this.plan.slice(1);
    if (action === 'skip') this.skipped.add(step);
    else this.isUndone(step);
  }

  private isUndone(step: string): void {
    this.attempts.delete(`undo ${step}`);
    this.skipped.delete(step);
  }

  /** Its definition says so, and it was called. */
  private isUndoneAllTheSame({
    step,
    outcome,
    attempts,
    message,
  }: EventOf<'StepFailed'>['data']): true | undefined {
    const compiled = this.definition.steps.get(nameAt(step));
    const isAsked = compiled?.type === 'service_call' && compiled.isUndoneWhenFailed;
    const isFormed = !message.startsWith('input_mapping:') && !message.startsWith('conditions:');
    const wasCalled = isFormed && (attempts > 1 || !this.held.has(`step ${step}`));
    return isAsked && outcome === 'failed' && attempts > 0 && wasCalled ? true : undefined;
  }

  /** What the losers of a race did and what is not undone, newest first. */
  private losersOf(race: string): readonly string[] {
    const winner = this.winners.get(race);
    if (winner === undefined) return [];
    return this.standing.undoable
      .filter((step) => {
        const around = branchesAround(this.definition, step);
        return isWithin(around, race) && !isWithin(around, race, winner);
      })
      .toReversed();
  }

  private racePlanned(race: string, steps: readonly string[]): void {
    const losers = this.losersOf(race);
    if (steps.join() !== losers.join() || losers.length === 0)
      this.wrong(`${race} undoes ${steps.join(', ')}, and ${losers.join(', ')} have lost`);
    if (this.isUndoing) this.wrong(`${race} is undone while the run is`);
    if (this.plan.length > 0) this.wrong(`${race} is undone beside ${this.plan.join(', ')}`);
    this.hasMigratedInRace = false;
    this.plan = steps;
  }

  private end(): void {
    this.hasEnded = true;
    this.ends++;
  }

  private wrong(what: string): void {
    this.wrongs.push(what);
  }
}
